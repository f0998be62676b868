"""``python -m benchmarks.memory``: see :mod:`benchmarks.memory.costs`."""

import sys

from .costs import main

sys.exit(main())

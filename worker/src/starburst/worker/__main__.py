"""``python -m starburst.worker``: what a worker container runs."""

from __future__ import annotations

import sys

from .starting import main

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # -m put the working directory there, where tasks write what must not be imported here.
        del sys.path[0]
    sys.exit(main())

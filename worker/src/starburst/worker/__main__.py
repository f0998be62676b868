"""``python -m starburst.worker``: what a worker container runs."""

from __future__ import annotations

import sys

from .supervisor import main

if __name__ == "__main__":
    sys.exit(main())

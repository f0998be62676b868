"""The command ``python -m deploy.image``."""

import sys

from deploy.tools.image import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))

"""The command ``python -m deploy.diff``."""

from deploy.lifecycle.diff import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

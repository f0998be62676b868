"""The command ``python -m deploy.image``."""

from deploy.tools.image import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

"""The command ``python -m deploy.destroy``."""

from deploy.lifecycle.destroy import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

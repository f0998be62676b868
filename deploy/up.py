"""The command ``python -m deploy.up``."""

from deploy.lifecycle.up import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

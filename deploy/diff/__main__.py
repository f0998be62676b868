"""Say what a deployment would do to what is deployed: ``python -m deploy.diff``."""

from deploy.lifecycle.diff import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

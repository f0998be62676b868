"""The command ``python -m deploy.restore``."""

from deploy.incident.restore import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

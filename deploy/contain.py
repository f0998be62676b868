"""The command ``python -m deploy.contain``."""

from deploy.incident.contain import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

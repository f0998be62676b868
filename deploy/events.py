"""The command ``python -m deploy.events``."""

from deploy.incident.events import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

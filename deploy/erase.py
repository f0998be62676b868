"""The command ``python -m deploy.erase``."""

from deploy.incident.erase import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

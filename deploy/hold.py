"""The command ``python -m deploy.hold``."""

from deploy.incident.hold import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

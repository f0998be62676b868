"""The command ``python -m deploy.isolate``."""

from deploy.incident.isolate import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

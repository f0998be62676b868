"""The command ``python -m deploy.revoke``."""

from deploy.incident.revoke import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

"""The command ``python -m deploy.first_day``."""

from deploy.rehearsal.first_day import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

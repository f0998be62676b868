"""The command ``python -m deploy.totals``."""

from deploy.spending.totals import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

"""The command ``python -m deploy.freeze``."""

from deploy.spending.freeze import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())

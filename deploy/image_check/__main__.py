"""The command ``python -m deploy.image_check``."""

from deploy.image_check.command import main

if __name__ == "__main__":
    raise SystemExit(main())

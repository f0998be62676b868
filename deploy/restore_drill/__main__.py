"""The command ``python -m deploy.restore_drill``."""

from deploy.restore_drill.command import main

if __name__ == "__main__":
    raise SystemExit(main())

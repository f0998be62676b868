"""The command ``python -m deploy.bootstrap``."""

from deploy.bootstrap.command import main

raise SystemExit(main())

"""The command ``python -m deploy.audit``."""

from deploy.audit.command import main

raise SystemExit(main())

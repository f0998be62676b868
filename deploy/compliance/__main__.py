"""The command ``python -m deploy.compliance``."""

from deploy.compliance.command import main

raise SystemExit(main())

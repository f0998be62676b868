"""The command ``python -m deploy.retire``."""

from deploy.retire.command import main

raise SystemExit(main())

"""Draw ``docs/pictures/report.png``: ``python -m tests.runtime.client.reporting.picture``.

It is a report of invented numbers, as a browser shows it, without AWS.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from starburst._client.reporting.facts import Facts
from starburst._client.reporting.page import page
from tests.evidence.chromium import open_tab
from tests.runtime.client.reporting.invented import facts

__all__ = ["main", "shown"]

_PICTURE = Path(__file__).parents[4] / "docs/pictures/report.png"
_WIDTH, _HEIGHT = 1120, 1150
_LATE = {33: 62.0, 127: 58.0, 205: 71.0, 288: 66.0, 371: 190.0}


def shown() -> Facts:
    """Return what the picture is of: 400 tasks on 20 workers, some of them late or failed."""
    told = facts(workers=20, tasks=400, mean=13.0, text="no convergence", late=_LATE)
    return replace(told, manifest=replace(told.manifest, labels={"name": "Expression, 400 genes"}))


def main() -> int:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(page(shown()), encoding="utf-8")
        with open_tab(Path(folder) / "profile") as tab:
            tab.load(file, width=_WIDTH, height=_HEIGHT)
            _PICTURE.write_bytes(tab.picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Every control: what is promised, who asks for it, and what checks it.

It is the one source of ``docs/controls.md``, ``docs/checklist.md`` and the evidence page.
"""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.checklist import CHECKLIST
from starburst_assurance.controls.data import DATA
from starburst_assurance.controls.frameworks import Reference, references
from starburst_assurance.controls.identity import IDENTITY
from starburst_assurance.controls.model import Area, Control, Framework, Item
from starburst_assurance.controls.network import NETWORK
from starburst_assurance.controls.record import COST, RECORD
from starburst_assurance.controls.work import WORK
from starburst_assurance.controls.yours import YOURS

__all__ = [
    "CHECKLIST",
    "CONTROLS",
    "Area",
    "Control",
    "Framework",
    "Item",
    "Reference",
    "references",
]

CONTROLS: Final[tuple[Control, ...]] = (
    *IDENTITY,
    *DATA,
    *NETWORK,
    *WORK,
    *RECORD,
    *COST,
    *YOURS,
)
"""All of them, in the order of reports."""

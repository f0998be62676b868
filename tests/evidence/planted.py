"""What the shared evidence is gathered with, beside what its judges really say."""

from __future__ import annotations

from typing import Final

from starburst_assurance.gate.table import OpenFinding

__all__ = ["FOREIGN", "LINTED", "OURS", "REFUSED"]

OURS: Final = "nothing_under_tls_1_2"
FOREIGN: Final = "buckets_refuse_strangers"
"""The theorem that stands for one of an add-on."""

REFUSED: Final = OpenFinding(
    resource="dev/storage", rule="a-rule", wrong="it is open", fix="shut it"
)
LINTED: Final = OpenFinding(
    resource="dev/storage", rule="cfn-lint-E1", wrong="a typo", fix="mend it"
)

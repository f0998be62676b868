"""A regulated environment with backups, synthesized once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import app
from environments import REGULATED
from stacks.addons.finma import Classification, Finma
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.reading.policies import PolicySet

DRILLER = f"arn:aws:iam::{REGULATED.account}:role/restorer"
LEVELS = Classification(confidentiality="high", integrity="high", availability="medium")
FINMA = Finma(classification=LEVELS, rto_hours=4, drillers=(DRILLER,))
ON = replace(REGULATED, addons=(FINMA,), data_role_arns=(DRILLER,))


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PolicySet]:
    """Where it was synthesized to, by every gate, and its policies."""
    outdir = tmp_path_factory.mktemp("finma")
    # Which theorems hold of it is asked in tests, of its own roles alone.
    built = app.build([ON], outdir=str(outdir), validate=True, prove=False)
    built.synth()
    [policy_set] = policy_sets_of(built, outdir)
    return outdir, policy_set

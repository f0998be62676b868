"""The theorems hold of an environment whose workers run on EC2 instances, and of its new role."""

from __future__ import annotations

from dataclasses import replace

import pytest

import app
from environments import DEV
from stacks.settings import Ec2Capacity, Instance, Network
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import check
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
CHOSEN = {"Starting work", "Nothing beyond the duty", "The work goes on"}
"""What a new role could break within seconds; ``starburst-prove`` proves the rest as well."""


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> PolicySet:
    """Instances on demand and on Spot, and both architectures' names in the policies."""
    outdir = tmp_path_factory.mktemp("hosted")
    c7g = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.33)
    environment = replace(
        DEV,
        name="hosted",
        architecture="ARM64",
        capacity=Ec2Capacity(instance_types=(c7g,), spot=True),
        network=Network(cidr="10.78.0.0/20"),
    )
    built = app.build([environment], outdir=str(outdir), validate=False)
    built.synth()
    [policy_set] = policy_sets_of(built, outdir)
    return policy_set


def test_its_policies_use_words_that_iam_knows(hosted: PolicySet) -> None:
    check(hosted)


@pytest.mark.parametrize(
    "item", [one for one in ALL if one.group in CHOSEN], ids=lambda item: item.name
)
def test_it_is_proved(hosted: PolicySet, item: Theorem) -> None:
    verdict = prove(item, hosted, logic=LOGIC)
    assert verdict.holds, verdict.counterexample or verdict.why

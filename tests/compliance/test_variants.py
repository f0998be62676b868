"""What an adopter may choose passes the gate without new waivers, and leaves none without use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import DEV
from stacks.settings import Audit, ExistingVpc, Network, Storage

EXISTING = ExistingVpc(
    vpc_id="vpc-0a1b2c3d",
    subnet_ids=("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
    route_table_ids=("rtb-0a1b2c3d", "rtb-1a1b2c3d"),
)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "network": Network(existing=EXISTING),
            "audit": Audit(trail=False, data_events=False),
            "permissions_boundary": "arn:aws:iam::444455556666:policy/organization-boundary",
            "organization_id": "o-a1b2c3d4e5",
        },
        {
            "network": Network(block_public_access=True),
            "storage": Storage(encryption="kms:dsse"),
            "audit": Audit(data_events=False),
            "packs": ("AwsSolutions", "PCI.DSS.321"),
        },
    ],
    ids=["inside-an-organization", "on-its-own"],
)
def test_choices_pass_the_gate(changes: dict[str, Any], tmp_path: Path) -> None:
    app.build([replace(DEV, **changes)], outdir=str(tmp_path)).synth()


def test_nat_is_refused_until_somebody_answers_for_the_open_egress(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        app.build([replace(DEV, network=Network(egress="nat"))], outdir=str(tmp_path)).synth()
    assert "VPCNoUnrestrictedRouteToIGW" in str(caught.value)

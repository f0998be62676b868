"""Every way out of the network is named in the evidence, with who is at its other end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.evidence.egress import ways_out
from deploy.evidence.folder import write
from deploy.evidence.gather import Evidence
from environments import ALL, DEV
from stacks.settings import Environment, Network, Reads
from tests.networks import REUSED

THEIRS = Reads(objects="arn:aws:s3:::atlas/*", owner="other", account="777788889999")
READERS = tuple(
    replace(DEV.workspaces[0], name=name, reads=reads)
    for name, reads in (
        ("genomics", ("arn:aws:s3:::own/*", THEIRS)),
        ("markets", (THEIRS,)),
        ("plain", ()),
    )
)


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_an_isolated_environment_leads_to_image_layers_only(environment: Environment) -> None:
    [layers] = ways_out(environment)
    assert layers.to == f"AWS's own bucket of image layers in {environment.region}"
    assert layers.setting == ""


@pytest.mark.parametrize(
    ("environment", "to", "setting"),
    [
        (replace(DEV, network=Network(egress="nat")), "internet", "network.egress='nat'"),
        (
            replace(DEV, network=Network(existing=REUSED)),
            "whom the owner of the VPC's endpoints lets through",
            "network.existing.endpoints='reuse'",
        ),
        (replace(DEV, organization_id="o-a1b2c3d4e5"), "o-a1b2c3d4e5", "organization_id"),
        (
            replace(DEV, workspaces=READERS),
            "account 777788889999, by arn:aws:s3:::atlas/*",
            "reads of genomics, markets",
        ),
    ],
    ids=["internet", "reused", "organization", "reads"],
)
def test_each_way_is_named_once_with_the_setting_that_opens_it(
    environment: Environment, to: str, setting: str
) -> None:
    first, last = ways_out(environment)
    assert to in first.to
    assert first.setting == setting
    assert "image layers" in last.to


def test_the_folder_and_its_page_name_them(evidence: Evidence, tmp_path: Path) -> None:
    written = replace(evidence, environment=replace(DEV, workspaces=READERS))
    write(written, tmp_path / "reading")
    listed = json.loads((tmp_path / "reading" / "egress.json").read_text())
    assert [each["setting"] for each in listed] == ["reads of genomics, markets", ""]
    page = (tmp_path / "reading" / "index.html").read_text()
    assert "Ways out of its network" in page
    assert "reads of genomics, markets" in page
    assert "own/*" not in page

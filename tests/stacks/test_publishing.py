"""What clients are told of a workspace's packages, data and homes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as Synthesized

from environments import ALL
from stacks.images.listing import image_packages
from starburst.contract import PackagesDocument
from starburst.errors import ConfigurationError
from starburst_constructs.packages_parameter import PackagesParameter
from tests.some import some
from tests.stacks.reading import Template, across

DIGEST = "sha256:0123456789abcdef" + "0" * 48


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_each_workspace_says_which_packages_it_takes(
    templates: dict[str, Template], environment: Any
) -> None:
    found = {
        one["Properties"]["Name"]: one["Properties"]["Value"]
        for _, one in across(templates, environment.name, "AWS::SSM::Parameter")
    }
    for workspace in some(environment.workspaces):
        text = found.pop(f"/starburst/{environment.name}/packages/{workspace.name}")
        assert PackagesDocument.from_json(text) == PackagesDocument(
            policy=workspace.packages,
            allowed=workspace.allowed_packages,
            days=environment.storage.packages_days,
            image_digest=workspace.image_digest or environment.image_digest,
        )
    [runtime] = found.values()
    whole = "".join(one if isinstance(one, str) else "token" for one in runtime["Fn::Join"][1])
    told = json.loads(whole)["workspaces"]
    for workspace in some(environment.workspaces):
        entry = told[workspace.name]
        assert entry.get("packages", "image") == workspace.packages
        assert entry.get("data_writers", "steward") == workspace.data_writers
        assert entry.get("home_links", False) is workspace.home_links


def test_an_image_without_a_list_has_unknown_packages(tmp_path: Path) -> None:
    assert image_packages(DIGEST, folder=tmp_path) is None
    (tmp_path / "0123456789ab.txt").write_text("numpy==2.4.1\nboto3==1.43.0\n")
    assert image_packages(DIGEST, folder=tmp_path) == {"boto3": "1.43.0", "numpy": "2.4.1"}


def parameter(document: PackagesDocument) -> dict[str, Any]:
    stack = cdk.Stack()
    PackagesParameter(
        stack, "Packages", environment="prod", workspace="genomics", document=document
    )
    (found,) = Synthesized.from_stack(stack).find_resources("AWS::SSM::Parameter").values()
    return found["Properties"]


@pytest.mark.parametrize(("packages", "tier"), [(20, "Standard"), (300, "Advanced")])
def test_the_tier_follows_the_size(packages: int, tier: str) -> None:
    image = {f"package-{number}": "1.0.0" for number in range(packages)}
    assert parameter(PackagesDocument(image=image))["Tier"] == tier


def test_a_list_that_fits_into_no_parameter_is_refused_in_one_sentence() -> None:
    image = {f"package-{number}": "1.0.0" for number in range(400)}
    allowed = tuple(f"other-{number}" for number in range(10))
    with pytest.raises(ConfigurationError) as refusal:
        parameter(PackagesDocument(policy="allowed", allowed=allowed, image=image))
    assert str(refusal.value) == (
        "environment prod: workspace genomics: what it says of packages takes 8871 bytes (10 "
        "allowed, 400 in the image) and Parameter Store holds 8192; shorten allowed_packages, or "
        "put fewer packages into the image"
    )

"""A burst opens the endpoints' stack, and the real CDK neither closes it nor sees a difference."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from operator import mul
from pathlib import Path
from typing import Any

import pytest

import starburst
from deploy.tools.local import Deployment
from starburst.local import LocalEnvironment

STACK = "starburst-local-endpoints"


def parameter(formation: Any) -> str:
    [stack] = formation.describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"].endswith("_COMPLETE"), stack
    [found] = stack["Parameters"]
    return str(found["ParameterValue"])


def endpoints(ec2: Any, formation: Any) -> set[str]:
    """Return the stack's own: another environment may have some meanwhile."""
    made = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    found = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    there = {one["VpcEndpointId"] for one in found if one["VpcEndpointType"] == "Interface"}
    return there & {one["PhysicalResourceId"] for one in made}


def released(outdir: Path) -> None:
    """Change the endpoints' template of an assembly as another release would."""
    [file] = outdir.glob("assembly-local/localendpoints*.template.json")
    template = json.loads(file.read_text())
    for resource in template["Resources"].values():
        resource["Metadata"] = {"release": "another"}
    file.write_text(json.dumps(template))
    # The CLI uploads a template under a digest that synthesis wrote.
    assets = file.with_name(file.name.replace(".template.json", ".assets.json"))
    [digest] = json.loads(assets.read_text())["files"]
    other = hashlib.sha256(file.read_bytes()).hexdigest()
    for path in (assets, outdir / "assembly-local" / "manifest.json"):
        path.write_text(path.read_text().replace(digest, other))


def test_a_burst_opens_what_a_deployment_leaves_open(
    deployment: Deployment, local_environment: LocalEnvironment
) -> None:
    platform = local_environment.platform_session()
    formation = local_environment.client(platform, "cloudformation")
    ec2 = local_environment.client(platform, "ec2")
    template = formation.get_template(StackName=STACK)["TemplateBody"]
    results = starburst.map(partial(mul, 2), range(4), workers=1, cpu=0.25, memory=0.5)
    assert results == [0, 2, 4, 6]
    assert parameter(formation) == "on"
    opened = endpoints(ec2, formation)
    assert len(opened) == len(template["Resources"])
    # A deployment while sessions run keeps the parameter, also with another template.
    released(deployment.outdir)
    deployment.deploy()
    assert parameter(formation) == "on"
    assert endpoints(ec2, formation) == opened
    newer = formation.get_template(StackName=STACK)["TemplateBody"]
    assert newer["Resources"] != template["Resources"]
    assert newer["Parameters"] == template["Parameters"]
    differs, text = deployment.diff()
    assert not differs, text
    counts = local_environment.request_counts()["starburst-local-controller"]
    assert counts["cloudformation:UpdateStack"] >= 1


def test_nobody_but_the_controller_opens_or_closes_them(
    local_environment: LocalEnvironment,
) -> None:
    analyst = local_environment.analyst_session(user="alice", workspace="demo")
    formation = local_environment.client(analyst, "cloudformation")
    with pytest.raises(formation.exceptions.ClientError, match="not authorized"):
        formation.update_stack(
            StackName=STACK,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": "Bursting", "ParameterValue": "off"}],
        )

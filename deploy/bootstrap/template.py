"""The template of ``cdk bootstrap`` with less in it: made of the installed CLI's, by few changes.

What is changed is in `narrowed`, and nothing else; a test compares both templates.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.tools.cdk import ROOT
from starburst.errors import ConfigurationError
from starburst_assurance.bootstrap.deployer import Deployer

__all__ = ["TemplateError", "installed", "narrowed"]

_INSTALLED: Final = "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"
_DROPPED: Final = (
    "PipelineCrossAccountArtifactsBucket",
    "PipelineCrossAccountArtifactsKey",
    "Refactor",
)
_READING: Final = [
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
]
_TOOLKIT: Final = "CDKToolkit"


class TemplateError(ConfigurationError):
    """The installed CLI's template is missing, or is not built as this expects."""


def installed(root: Path = ROOT) -> dict[str, Any]:
    """Return the template that the installed CLI bootstraps with.

    Raises:
        TemplateError: it is not there.
    """
    path = root / _INSTALLED
    if not path.is_file():
        raise TemplateError(
            f"{path} is missing, which the bootstrap's template is made of: run `make setup`"
        )
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def narrowed(template: Mapping[str, Any], deployer: Deployer) -> dict[str, Any]:
    """Return a bootstrap's template whose roles reach one environment's stacks alone.

    - The execution role has the policies that it is given, and never AdministratorAccess.
    - The deploying role works on this environment's stacks and reads no others; it copies nothing
      between accounts and refactors nothing.
    - The look-up role reads this environment's stacks, and not the account.
    - Nobody deletes from the staging bucket, and no image is pushed: there are no image assets.
    - The variant has a name, so that the CLI does not put its own template over this one.

    Args:
        template: as the CLI has it.
        deployer: of which environment.

    Raises:
        TemplateError: the CLI's template has not what would be changed.
    """
    made = copy.deepcopy(dict(template))
    try:
        _narrow(made, deployer)
    except (KeyError, StopIteration) as error:
        raise TemplateError(
            f"the installed CLI's bootstrap template has no {error} where its versions before had "
            "it, so nothing was written; adapt deploy/bootstrap/template.py to it"
        ) from error
    return made


def _narrow(made: dict[str, Any], deployer: Deployer) -> None:
    resources = made["Resources"]
    made["Parameters"]["BootstrapVariant"]["Default"] = f"Starburst: {deployer.environment}"
    made["Parameters"]["Qualifier"]["Default"] = deployer.qualifier
    execution = resources["CloudFormationExecutionRole"]["Properties"]
    execution["ManagedPolicyArns"]["Fn::If"][2] = {"Ref": "AWS::NoValue"}
    _narrow_deploying(resources["DeploymentActionRole"]["Properties"], deployer)
    looking = resources["LookupRole"]["Properties"]
    del looking["ManagedPolicyArns"]
    looking["Policies"][0]["PolicyDocument"]["Statement"].append(_reading(deployer))
    publishing = resources["FilePublishingRoleDefaultPolicy"]["Properties"]["PolicyDocument"]
    publishing["Statement"][0]["Action"].remove("s3:DeleteObject*")
    del resources["ImagePublishingRoleDefaultPolicy"]


def _narrow_deploying(role: dict[str, Any], deployer: Deployer) -> None:
    del role["ManagedPolicyArns"]
    document = role["Policies"][0]["PolicyDocument"]
    kept = [one for one in document["Statement"] if one.get("Sid") not in _DROPPED]
    by_sid = {one["Sid"]: one for one in kept if "Sid" in one}
    by_sid["DeployPermissions"]["Resource"] = _stacks(deployer)
    deleting = by_sid["CliPermissions"]
    deleting["Action"].remove("sts:GetCallerIdentity")
    deleting["Resource"] = _stacks(deployer)
    document["Statement"] = [*kept, _reading(deployer)]


def _stacks(deployer: Deployer) -> list[str]:
    place = f"arn:aws:cloudformation:{deployer.region}:{deployer.account}"
    return [f"{place}:stack/starburst-{deployer.environment}-*"]


def _reading(deployer: Deployer) -> dict[str, Any]:
    place = f"arn:aws:cloudformation:{deployer.region}:{deployer.account}"
    return {
        "Sid": "ReadStacks",
        "Effect": "Allow",
        "Action": list(_READING),
        "Resource": [*_stacks(deployer), f"{place}:stack/{_TOOLKIT}/*"],
    }

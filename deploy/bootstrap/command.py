"""Write what bootstraps an environment without an administrator: ``make bootstrap ENV=prod``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.bootstrap.template import installed, narrowed
from deploy.lifecycle.account import LifecycleError, find_environment
from deploy.tools.cdk import ROOT
from environments import ALL
from starburst.errors import ConfigurationError, StarburstError
from starburst.untrusted.terminal_text import many_lines, one_line, tell
from starburst_assurance.bootstrap.deployer import Deployer
from starburst_assurance.bootstrap.documents import (
    MOST,
    boundary_document,
    deployer_of,
    execution_documents,
    size,
)
from starburst_assurance.bootstrap.needed import needed
from starburst_assurance.bootstrap.schemas import SchemaError
from starburst_assurance.bootstrap.usage import Usage
from starburst_assurance.dependencies import MissingJudgeError, require_judges
from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.errors import ProofError

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["INTO", "Bootstrap", "BootstrapError", "bootstrap_of", "main", "require_alone"]

INTO: Final = ROOT / "build" / "bootstrap"

_POLICIES: Final = 10
"""Managed policies of a role, where nobody asked AWS for more."""


class BootstrapError(ConfigurationError):
    """Nothing was written, because what would be written could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """What is written for one environment.

    Attributes:
        deployer: whose policies these are.
        policies: of the execution role.
        boundary: of the same role.
        template: for ``cdk bootstrap --template``.
        reasons: why the execution role has each action.
    """

    deployer: Deployer
    policies: tuple[Mapping[str, Any], ...]
    boundary: Mapping[str, Any]
    template: Mapping[str, Any]
    reasons: Mapping[str, Sequence[str]]

    def write(self, folder: Path) -> None:
        """Write all of it as JSON; what stood in the folder before goes."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        named = {
            **{f"policy-{number}": one for number, one in enumerate(self.policies, start=1)},
            "boundary": self.boundary,
            "template": self.template,
            "reasons": self.reasons,
        }
        for name, value in named.items():
            text = json.dumps(value, indent=2)
            (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")

    def commands(self, folder: Path) -> list[str]:
        """Return what an administrator runs once, in order."""
        deployer = self.deployer
        names = [deployer.policy_name(number) for number in range(1, len(self.policies) + 1)]
        files = {
            **{name: f"policy-{number}" for number, name in enumerate(names, start=1)},
            deployer.boundary_name: "boundary",
        }
        arns = [f"arn:aws:iam::{deployer.account}:policy/{name}" for name in names]
        return [
            *(
                f"aws iam create-policy --policy-name {name} "
                f"--policy-document file://{folder / file}.json"
                for name, file in files.items()
            ),
            f"npx cdk bootstrap aws://{deployer.account}/{deployer.region} "
            f"--qualifier {deployer.qualifier} --template {folder / 'template.json'} "
            f"--custom-permissions-boundary {deployer.boundary_name} "
            f"--cloudformation-execution-policies {','.join(arns)}",
        ]


def bootstrap_of(usage: Usage, deployer: Deployer, *, root: Path = ROOT) -> Bootstrap:
    """Return what an environment's bootstrap is made of.

    Args:
        usage: what its stacks are made of.
        deployer: its execution role.
        root: where the CDK CLI is installed.

    Raises:
        BootstrapError: IAM would not take it.
        SchemaError: nobody says what a type of the stacks needs.
        TemplateError: the CLI's template is missing, or another one.
    """
    policies = execution_documents(usage, deployer)
    boundary = boundary_document(usage, deployer)
    largest = max(map(size, (*policies, boundary)))
    if largest > MOST:
        raise BootstrapError(
            f"a policy of {largest:,} characters would be written, and IAM takes {MOST:,}: shorten "
            "the environment's name"
        )
    if len(policies) > _POLICIES:
        raise BootstrapError(
            f"the execution role would need {len(policies)} policies, and IAM lets a role have "
            f"{_POLICIES}: take an add-on out, or ask AWS for a higher quota"
        )
    return Bootstrap(
        deployer=deployer,
        policies=policies,
        boundary=boundary,
        template=narrowed(installed(root), deployer),
        reasons={
            action: [str(need) for need in needs]
            for action, needs in needed(usage, region=deployer.region).items()
        },
    )


def require_alone(environment: Environment, others: Sequence[Environment] = ALL) -> None:
    """Refuse an environment that shares its bootstrap with another one.

    Raises:
        BootstrapError: two are in one account and Region, and a bootstrap serves one environment.
    """
    place = (environment.account, environment.region)
    for other in others:
        if other.name != environment.name and (other.account, other.region) == place:
            raise BootstrapError(
                f"{environment.name} and {other.name} are both in {place[0]} and {place[1]}, where "
                "one bootstrap serves both, and these policies would let it deploy one alone: give "
                "each an account or Region of its own, or keep the CDK's own bootstrap there"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write it and say what to run; return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bootstrap", description=__doc__)
    parser.add_argument("environment", help=", ".join(each.name for each in ALL))
    parser.add_argument("--into", type=Path, default=INTO, help="where its folder goes")
    words = parser.parse_args(arguments)
    try:
        require_judges()
        environment = find_environment(words.environment)
        require_alone(environment)
        made = _made(environment)
    except (LifecycleError, MissingJudgeError, ProofError, SchemaError, StarburstError) as error:
        tell(f"Nothing was written. {many_lines(error)}", sys.stderr)
        return 1
    folder = words.into / environment.name
    made.write(folder)
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    _say(f"{shown}: {len(made.policies)} policies of {len(made.reasons)} actions, each with its")
    _say("reasons in reasons.json, a boundary, and the template of the bootstrap.")
    _say("An administrator of the account runs once:")
    for line in made.commands(shown):
        _say(f"  {line}")
    _say("Where CDK is bootstrapped already, add --force to the last: its template is replaced.")
    return 0


def _made(environment: Environment) -> Bootstrap:
    os.environ.setdefault("CDK_VALIDATION", "false")
    import app  # noqa: PLC0415 - chooses the Node that jsii starts
    from stacks.foundation import FoundationStack  # noqa: PLC0415 - after Node was chosen

    app.use_bundled_node()
    with tempfile.TemporaryDirectory() as name:
        app.build([environment], outdir=name, validate=False).synth()
        read = read_policy_set(name, environment.name, boundary=environment.permissions_boundary)
    deployer = deployer_of(
        read.usage,
        environment=environment.name,
        account=environment.account,
        region=environment.region,
        qualifier=read.qualifier,
        boundary=FoundationStack.boundary_arn(environment),
    )
    return bootstrap_of(read.usage, deployer)


def _say(text: str) -> None:
    tell(one_line(text), sys.stdout)

"""Stacks are protected once they were made, not before: a failed first creation is made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from deploy.lifecycle.account import Account
from deploy.lifecycle.deployed import deployed
from deploy.lifecycle.up import deploy
from deploy.tools.cdk import CdkFailed
from deploy.tools.local import Deployment
from environments import LOCAL
from starburst.local import LocalEnvironment


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEnvironment]:
    with LocalEnvironment() as local:
        yield local


@pytest.fixture
def account(local: LocalEnvironment, tmp_path: Path, request: pytest.FixtureRequest) -> Account:
    """An account in which nothing of the environment is deployed yet, and the real CLI."""
    deployment = Deployment(local=local, outdir=tmp_path)
    session = local.platform_session()

    def run(arguments: Sequence[str]) -> None:
        deployment.cdk(*arguments, "--require-approval", "never")

    return Account(
        environment=replace(LOCAL, name=request.param),
        client=lambda service: local.client(session, service),
        cdk=run,
        say=lambda _line: None,
    )


def synthesized(account: Account, outdir: Path, *, wrong: bool = False) -> Path:
    """Two stacks, both to be protected; the second cannot be made where something is wrong."""
    app = cdk.App(outdir=str(outdir))
    safe = account.environment
    place = cdk.Environment(account=safe.account, region=safe.region)
    stage = cdk.Stage(app, safe.name, env=place)
    for part in ("network", "storage"):
        stack = cdk.Stack(
            stage,
            part,
            stack_name=f"starburst-{safe.name}-{part}",
            termination_protection=True,
            synthesizer=cast(cdk.IStackSynthesizer, cdk.BootstraplessSynthesizer()),
        )
        sqs.Queue(stack, "Queue")
        if wrong and part == "storage":
            cdk.CfnResource(stack, "Wrong", type="AWS::EC2::FlowLog")
    app.synth()
    return outdir


def states(account: Account) -> Mapping[str, tuple[str, bool]]:
    return {
        stack.name.rpartition("-")[2]: (stack.status, stack.protected)
        for stack in deployed(account)
    }


MADE: Any = {"network": ("CREATE_COMPLETE", True), "storage": ("CREATE_COMPLETE", True)}


@pytest.mark.parametrize("account", ["safe"], indirect=True)
def test_what_was_never_made_is_made_again_and_then_protected(
    account: Account, tmp_path: Path
) -> None:
    wrong = synthesized(account, tmp_path / "wrong", wrong=True)
    with pytest.raises(CdkFailed):
        deploy(account, assembly=wrong)
    assert states(account) == {
        "network": ("CREATE_COMPLETE", True),
        "storage": ("ROLLBACK_COMPLETE", False),
    }
    deploy(account, assembly=synthesized(account, tmp_path / "right"))
    assert states(account) == MADE


@pytest.mark.parametrize("account", ["sound"], indirect=True)
def test_plain_cdk_deploy_protects_what_it_could_not_make_and_this_frees_it(
    account: Account, tmp_path: Path
) -> None:
    """The reason for the command; once the CLI does better, `deploy.up` need not.

    One stack was deployed alone before, and stays protected while it changes.
    """
    first = synthesized(account, tmp_path / "first")
    deploy(account, assembly=first, parts=("network",))
    assert states(account) == {"network": ("CREATE_COMPLETE", True)}
    wrong = synthesized(account, tmp_path / "wrong", wrong=True)
    with pytest.raises(CdkFailed):
        account.cdk(("deploy", "sound/*", "--app", str(wrong)))
    assert states(account)["storage"] == ("ROLLBACK_COMPLETE", True)
    right = synthesized(account, tmp_path / "right")
    with pytest.raises(CdkFailed, match="TerminationProtection is enabled"):
        account.cdk(("deploy", "sound/*", "--app", str(right)))
    seen: list[bool] = []

    def run(arguments: Sequence[str]) -> None:
        account.cdk(arguments)
        seen.append(states(account)["network"][1])

    deploy(replace(account, cdk=run), assembly=right)
    assert seen == [True]
    assert states(account) == MADE

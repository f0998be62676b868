"""What the CDK CLI leaves behind when it ends is made all the same, and is protected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.lifecycle.account import Account
from deploy.lifecycle.up import deploy
from deploy.tools.cdk import CdkFailed
from environments import PROD
from tests.small_aws.account import SmallAws
from tests.small_aws.belongings import NoParameters

STACK = "starburst-prod-storage"


class Formation:
    """CloudFormation, which goes on making a stack for some looks after the CLI has ended."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, Any]] = {}
        self.looks = 3

    def get_paginator(self, name: str) -> Any:
        pages = {
            "describe_stacks": lambda: [{"Stacks": [dict(one) for one in self.stacks.values()]}],
            "list_stack_resources": lambda **_: [{"StackResourceSummaries": []}],
        }[name]

        class Pages:
            def paginate(self, **words: Any) -> Iterator[Any]:
                yield from pages(**words)

        return Pages()

    def describe_stacks(self, *, StackName: str) -> Any:
        self.looks -= 1
        if not self.looks:
            self.stacks[StackName]["StackStatus"] = "CREATE_COMPLETE"
        return {"Stacks": [self.stacks[StackName]]}

    def update_termination_protection(
        self, *, StackName: str, EnableTerminationProtection: bool
    ) -> None:
        self.stacks[StackName]["EnableTerminationProtection"] = EnableTerminationProtection


@pytest.mark.parametrize("ending", [CdkFailed("another stack failed"), KeyboardInterrupt()])
def test_a_stack_that_is_still_being_made_is_protected(
    tmp_path: Path, ending: BaseException
) -> None:
    formation = Formation()
    properties = {"stackName": STACK, "terminationProtection": True}
    artifact = {"type": "aws:cloudformation:stack", "properties": properties}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"storage": artifact}}))

    def cdk(_arguments: Sequence[str]) -> None:
        formation.stacks[STACK] = {"StackName": STACK, "StackStatus": "CREATE_IN_PROGRESS"}
        raise ending

    published = SmallAws(services={"ssm": NoParameters()})
    account = Account(
        environment=PROD,
        client=lambda service: formation if service == "cloudformation" else published(service),
        cdk=cdk,
        say=lambda _line: None,
        pause=lambda _seconds: None,
    )
    with pytest.raises(type(ending)):
        deploy(account, assembly=tmp_path)
    assert formation.stacks[STACK]["EnableTerminationProtection"] is True

"""The record that an emergency leaves in each stack that is deployed although it is not proved.

It is a parameter of its own for each synthesis, so that making it is an event which rings, and it
stays when the stack forgets it, so that an officer finds it later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm

from starburst_constructs.naming import emergency_path

__all__ = ["EmergencyRecord", "record_emergency"]

_MOST_BYTES: Final = 4096
"""Of a standard parameter, which costs nothing."""


class EmergencyRecord(ssm.StringParameter):
    """The parameter ``/starburst/<environment>/emergency/<time>/<stack>``.

    Args:
        stack: that is deployed.
        environment: its name.
        who: overrides, as they say.
        why: they do.
        when: in UTC.
        unproved: what is not proved.
    """

    def __init__(
        self,
        stack: cdk.Stack,
        *,
        environment: str,
        who: str,
        why: str,
        when: datetime,
        unproved: Sequence[str],
    ) -> None:
        moment = f"{when:%Y-%m-%dT%H-%M-%SZ}"
        super().__init__(
            stack,
            "Emergency",
            parameter_name=f"{emergency_path(environment)}{moment}/{stack.node.id}",
            description="Starburst: this stack was deployed although it is not proved",
            string_value=_text(who=who, why=why, when=moment, unproved=unproved),
            tier=ssm.ParameterTier.STANDARD,
        )
        self.apply_removal_policy(cdk.RemovalPolicy.RETAIN)


def record_emergency(
    stage: cdk.Stage,
    *,
    environment: str,
    who: str,
    why: str,
    when: datetime,
    unproved: Sequence[str],
) -> None:
    """Leave a record in every stack of a stage: one may be deployed without the others.

    Args:
        stage: of the environment.
        environment: its name.
        who: overrides, as they say.
        why: they do.
        when: in UTC.
        unproved: what is not proved.
    """
    for stack in stage.node.children:
        if isinstance(stack, cdk.Stack):
            EmergencyRecord(
                stack, environment=environment, who=who, why=why, when=when, unproved=unproved
            )


def _text(*, who: str, why: str, when: str, unproved: Sequence[str]) -> str:
    """Return the record, with as many names of theorems as there is room for."""
    kept = list(unproved)
    while True:
        left_out = len(unproved) - len(kept)
        more = [f"and {left_out} more"] if left_out else []
        text = json.dumps({"who": who, "why": why, "when": when, "unproved": [*kept, *more]})
        if len(text.encode()) <= _MOST_BYTES or not kept:
            return text
        kept.pop()

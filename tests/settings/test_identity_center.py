"""What is no Identity Center, and groups that fit no workspace, are refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from environments import DEV
from stacks.settings import (
    Environment,
    IdentityCenter,
    Network,
    SettingsError,
    WorkspaceGroups,
    check_together,
)

GROUP = f"{'a' * 8}-1111-2222-3333-{'a' * 12}"
SANDBOX = WorkspaceGroups(workspace="sandbox", analysts=GROUP)


def center(**changes: Any) -> IdentityCenter:
    sound: dict[str, Any] = {
        "instance_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
        "account": "999900001111",
        "region": "eu-central-1",
        "groups": (SANDBOX,),
    }
    return IdentityCenter(**{**sound, **changes})


def signed_in(**changes: Any) -> Environment:
    return replace(DEV, identity=center(**changes))


def groups(**changes: Any) -> WorkspaceGroups:
    return replace(SANDBOX, **changes)


def beside(**changes: Any) -> None:
    """Check two environments whose people come by the same instance."""
    apart: dict[str, Any] = {"name": "second", "network": Network(cidr="10.99.0.0/20")}
    second = replace(signed_in(**changes), shared=None, **apart)
    check_together([signed_in(), second])


REFUSALS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "no instance": (center, {"instance_arn": "arn:aws:sso:::instance/x"}, "identity.instance_arn"),
    "no account": (center, {"account": "1"}, "twelve digits"),
    "no Region": (center, {"region": "Europe"}, "identity.region is"),
    "a platform team by name": (center, {"platform_group": "platform"}, "a group's id"),
    "two attributes with a slash": (
        center,
        {"user_attribute": "${path:userName}/${path:nickName}"},
        "one attribute, such as",
    ),
    "an e-mail address": (
        center,
        {"user_attribute": "${path:emails[primary eq true].value}"},
        "one attribute, such as",
    ),
    "a workspace twice": (center, {"groups": (SANDBOX, SANDBOX)}, "each value once"),
    "analysts by name": (groups, {"analysts": "analysts"}, "a group's id"),
    "a workspace without groups": (signed_in, {"groups": ()}, "groups for each of sandbox"),
    "groups of another workspace": (
        signed_in,
        {"groups": (SANDBOX, groups(workspace="elsewhere"))},
        "'elsewhere'; allowed: sandbox.",
    ),
    "two owners of the attributes": (
        beside,
        {},
        "identity.sets_attribute is True; allowed: False where environment dev sets it",
    ),
}


@pytest.mark.parametrize(("build", "changes", "said"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_wrong_is_refused(
    build: Callable[..., object], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        build(**changes)
    assert said in str(refused.value)


def test_one_of_two_environments_sets_the_attributes() -> None:
    beside(sets_attribute=False)
    beside(instance_arn="arn:aws:sso:::instance/ssoins-fedcba9876543210")

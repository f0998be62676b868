"""Whoever the settings name is watched, as far as they are of the account; nobody else is."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.settings import BrokerRole, MfaUsers, SamlProvider
from stacks.settings.identity import vouching
from starburst_assurance.alarms.filter_patterns import matches_fields
from starburst_constructs.monitoring.noticed.named_trust import trust_changes
from starburst_constructs.monitoring.noticed.patterns import some_name

ROLES = tuple(f"arn:aws:iam::222233334444:role/team/role-{number}" for number in range(12))
PROVIDER = "arn:aws:iam::222233334444:saml-provider/company"


def rings(arns: tuple[str, ...], call: str, **parameters: str) -> bool:
    event: dict[str, Any] = {
        "eventSource": "iam.amazonaws.com",
        "eventName": call,
        "requestParameters": parameters,
    }
    found = trust_changes(arns, by=some_name("eventName"))
    return any(matches_fields(each, event) for each in found.values())


@pytest.mark.parametrize("number", range(len(ROLES)))
@pytest.mark.parametrize("call", ["CreateRole", "UpdateAssumeRolePolicy"])
def test_each_role_that_is_named_is_watched(number: int, call: str) -> None:
    others = tuple(arn for at, arn in enumerate(ROLES) if at != number)
    assert rings(ROLES, call, roleName=f"role-{number}")
    assert not rings(others, call, roleName=f"role-{number}")


def test_what_changes_no_trust_rings_nothing() -> None:
    assert not rings(ROLES, "TagRole", roleName="role-1")
    assert not rings((PROVIDER,), "TagSAMLProvider", sAMLProviderArn=PROVIDER)
    assert not rings((PROVIDER,), "UpdateSAMLProvider", sAMLProviderArn=f"{PROVIDER}-2")
    assert not rings((PROVIDER,), "CreateSAMLProvider", name="company-2")
    assert not trust_changes((), by=some_name("eventName"))


@pytest.mark.parametrize("call", ["DeleteSAMLProvider", "UpdateSAMLProvider"])
def test_the_provider_is_watched(call: str) -> None:
    assert rings((PROVIDER,), call, sAMLProviderArn=PROVIDER)
    assert rings((PROVIDER,), "CreateSAMLProvider", name="company")


def test_who_vouches_for_people_is_a_provider_or_roles() -> None:
    broker = BrokerRole(arn=ROLES[0], platform_arn=ROLES[1])
    assert vouching(broker) == ROLES[:2]
    assert vouching(BrokerRole(arn=ROLES[0])) == ROLES[:1]
    assert vouching(SamlProvider(arn=PROVIDER)) == (PROVIDER,)
    assert vouching(MfaUsers(account="222233334444")) == ()

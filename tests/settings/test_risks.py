"""Settings that are legal and risky where data are restricted are told, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

import app
from environments import ALL, DEV, PROD, REGULATED
from stacks.risks import risks
from stacks.settings import (
    AcceptedRisk,
    Audit,
    BrokerRole,
    Environment,
    ExistingVpc,
    MfaUsers,
    Network,
    RiskName,
    SettingsError,
)

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

CAREFUL = replace(REGULATED, trusted_cidrs=("140.107.0.0/16",))
"""Restricted data, and nothing to ask about."""

REUSED = ExistingVpc(
    vpc_id="vpc-0a1b2c3d",
    subnet_ids=("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
    route_table_ids=("rtb-0a1b2c3d", "rtb-0a1b2c3d"),
    endpoints="reuse",
    endpoints_security_group_id="sg-0a1b2c3d",
    s3_endpoint_id="vpce-0a1b2c3d",
)

TOTALS = {"totals": PROD.totals, "user_totals": PROD.user_totals}

RISKY: dict[RiskName, tuple[dict[str, Any], str]] = {
    "analysts-anywhere": ({"trusted_cidrs": ()}, "trusted_cidrs"),
    "broker-names-anybody": (
        {"identity": BrokerRole(arn="arn:aws:iam::333344445555:role/broker")},
        "IdentityCenter",
    ),
    "endpoints-of-others": ({"network": Network(existing=REUSED)}, "existing.endpoints='create'"),
    "long-lived-keys": ({"identity": MfaUsers(account="333344445555")}, "SamlProvider"),
    "no-security-contact": ({"security_emails": ()}, "security_emails"),
    "pickled-results": (
        {"workspaces": PROD.workspaces, **TOTALS},
        "pickle_results=False",
    ),
    "record-can-be-erased": ({"audit": Audit(lock="governance")}, "lock='compliance'"),
    "record-of-others": ({"audit": Audit(trail=False)}, "Audit(trail=True"),
    "way-out": ({"network": Network(egress="nat", zones=3)}, "egress='isolated'"),
}


def names(environment: Environment) -> list[str]:
    return [each.name for each in risks(environment)]


def test_every_risk_is_tried_here() -> None:
    # Restricted data refuse it first: test_reads tries it. Profiles refuse theirs: test_profiles.
    elsewhere = {"data-outside-switzerland", "reads-of-others", "second-factor-elsewhere"}
    assert {*RISKY} | elsewhere == set(get_args(RiskName))


def test_careful_settings_are_not_talked_about() -> None:
    assert names(CAREFUL) == []


@pytest.mark.parametrize("name", RISKY)
def test_a_risk_is_told_with_what_ends_it_and_no_other(name: RiskName) -> None:
    changes, advice = RISKY[name]
    [found] = risks(replace(CAREFUL, **changes))
    assert found.name == name
    assert advice in found.sentence
    assert found.accepted == ""


@pytest.mark.parametrize("name", RISKY)
def test_data_that_are_not_restricted_are_not_warned_about(name: RiskName) -> None:
    assert names(replace(CAREFUL, data_class="internal", **RISKY[name][0])) == []


def test_the_network_of_notebooks_alone_does_not_silence_it() -> None:
    # Settings refuse trusted_vpcs without trusted_cidrs, so one question is enough.
    with pytest.raises(SettingsError, match="trusted_vpcs"):
        replace(REGULATED, trusted_vpcs=("vpc-0a1b2c3d",))


def test_a_risk_that_is_taken_keeps_its_reason() -> None:
    reason = "Analysts travel; board of 3 November, M. Roe."
    taken = AcceptedRisk(risk="analysts-anywhere", reason=reason)
    [found] = risks(replace(REGULATED, accepted_risks=(taken,)))
    assert found.accepted == reason


@pytest.mark.parametrize("environment", [CAREFUL, DEV], ids=lambda each: each.name)
def test_a_risk_that_is_not_there_cannot_be_taken(environment: Environment) -> None:
    taken = AcceptedRisk(risk="way-out", reason="Left over from a network that is gone.")
    with pytest.raises(SettingsError, match=r"accepted_risks is 'way-out'; allowed: \(\) where"):
        risks(replace(environment, accepted_risks=(taken,)))


def warned(assembly: CloudAssembly) -> dict[str, set[str]]:
    """Return what each environment is warned of, but for missing images."""
    found: dict[str, set[str]] = {}
    for stack in assembly.stacks_recursively:
        said = found.setdefault(stack.hierarchical_id.partition("/")[0], set())
        for message in stack.messages:
            text = str(message.entry.data)
            said |= {name for name in RISKY if f"starburst:{name}" in text}
    return found


def test_synthesis_warns_of_the_shipped_environments(assembly: CloudAssembly) -> None:
    assert warned(assembly) == {each.name: set(names(each)) for each in ALL}
    assert names(PROD) == ["analysts-anywhere", "pickled-results"]
    assert names(REGULATED) == ["analysts-anywhere"]


def test_a_taken_risk_stays_in_the_synthesis_with_its_reason(tmp_path: Path) -> None:
    taken = AcceptedRisk(risk="analysts-anywhere", reason="Analysts travel; M. Roe.")
    chosen = replace(REGULATED, accepted_risks=(taken,))
    app.build([chosen], outdir=str(tmp_path), validate=False).synth()
    [told] = (tmp_path / "assembly-regulated").glob("*foundation*.metadata.json")
    text = told.read_text()
    assert "Annotation::starburst:analysts-anywhere" in text
    assert taken.reason in text

"""What the gate is deployed as; its theorems can fail, and wrong settings are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from deploy.tools.idle_cost import idle_cost
from environments import PROD
from stacks.addons.inspector import Inspector
from stacks.settings import Ec2Capacity, Environment, Instance, Network, SettingsError
from stacks.settings.together import check_together
from starburst.contract.image_gate import ImageGateDocument
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import ON, addon_of
from tests.addons.mutants import Change, also, changed, gone
from tests.some import some

ADDON = addon_of(ON, "inspector")
[WAIVER] = ADDON.accepted
THEOREMS = {one.name: one for one in ADDON.theorems()}
CORE = {one.name: one for one in ALL}
STACK = f"{ON.name}/inspector"
ALONE = replace(PROD, addons=(ADDON,))


def resources(templates: Mapping[str, Any], kind: str, stack: str = STACK) -> Iterator[Any]:
    for each in templates[stack]["Resources"].values():
        if each["Type"] == kind:
            yield each["Properties"]


def for_all(one: Statement) -> Sequence[Statement]:
    return (replace(one, not_actions=(*one.not_actions, "s3:PutObject")),)


WEAKER = [
    (
        "only_the_gate_writes_what_is_known_of_images",
        "inspector/RecordPolicy",
        "DenyOtherWriters",
        gone,
    ),
    (
        "only_the_gate_writes_what_is_known_of_images",
        "inspector/RecordPolicy",
        "DenyOtherWriters",
        for_all,
    ),
    ("only_a_deployment_waives", "inspector/Reading", "ReadWaivers", also("ssm:PutParameter")),
]


@pytest.mark.parametrize(("theorem", "policy", "sid", "change"), WEAKER)
def test_a_weaker_policy_refutes_its_theorem(
    *, theorem: str, policy: str, sid: str, change: Change, policy_set: PolicySet, logic: Logic
) -> None:
    mutant = changed(policy_set, policy, sid, change)
    if theorem == "only_a_deployment_waives":
        # The boundary would still refuse it: it stands alone.
        assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "proved"
        mutant = unbounded(mutant, "controller")
    assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "refuted"


def test_a_controller_that_writes_the_record_is_refuted(
    policy_set: PolicySet, logic: Logic
) -> None:
    name = "the_controller_only_reads_what_is_known_of_images"
    mutant = changed(policy_set, "inspector/Reading", "ReadImageRecord", also("s3:PutObject"))
    # The bucket refuses it still; without that, nothing does.
    assert prove(THEOREMS[name], mutant, logic=logic).answer == "proved"
    mutant = changed(mutant, "inspector/RecordPolicy", "DenyOtherWriters", gone)
    assert prove(THEOREMS[name], mutant, logic=logic).answer == "refuted"


@pytest.mark.parametrize(
    ("theorem", "sid", "change"),
    [
        ("every_role_keeps_to_its_duty", "SwitchInspectorOn", also("inspector2:Disable")),
        ("no_role_weakens_the_record", "Inspector", also("inspector2:Disable")),
        ("the_controller_keeps_to_three_names", "ReadImageRecord", also("s3:PutObject")),
    ],
)
def test_the_core_theorems_hold_and_refuse_what_switches_off(
    theorem: str, sid: str, change: Change, policy_set: PolicySet, logic: Logic
) -> None:
    ours = policy_set.roles_for("inspector", "inspector-enabling", "controller")
    alone = replace(policy_set, roles=ours)
    mutant = changed(alone, "inspector/", sid, change)
    assert prove(CORE[theorem], alone, logic=logic).answer == "proved"
    assert prove(CORE[theorem], mutant, logic=logic).answer == "refuted"


def unbounded(policy_set: PolicySet, purpose: str) -> PolicySet:
    return replace(
        policy_set,
        roles=tuple(
            replace(one, boundary=None) if one.purpose == purpose else one
            for one in policy_set.roles
        ),
    )


def test_production_is_told_where_the_record_is_and_to_be_strict(
    templates: Mapping[str, Any],
) -> None:
    variables = [
        one["Environment"]["Variables"]
        for one in resources(templates, "AWS::Lambda::Function", f"{ON.name}/control")
    ]
    [ours] = [one for one in variables if "STARBURST_IMAGE_GATE" in one]
    assert ours["STARBURST_IMAGE_GATE"] == "/starburst/prod/image-gate"
    assert ours["STARBURST_IMAGE_GATE_STRICT"] == "true"
    [parameter] = resources(templates, "AWS::SSM::Parameter")
    assert parameter["Name"] == "/starburst/prod/image-gate"
    head, bucket, tail = parameter["Value"]["Fn::Join"][1]
    assert "Ref" in bucket
    document = ImageGateDocument.from_json(f"{head}record{tail}")
    assert document == ImageGateDocument(bucket="record", waivers=(WAIVER.published(),))


def test_rules_let_through_what_counts_and_alarms_ring_where_people_hear(
    templates: Mapping[str, Any],
) -> None:
    rules = [*resources(templates, "AWS::Events::Rule")]
    [found] = [
        one["EventPattern"]
        for one in rules
        if one.get("EventPattern", {}).get("detail-type") == ["Inspector2 Finding"]
    ]
    assert found["source"] == ["aws.inspector2"]
    assert found["detail"] == {"severity": ["CRITICAL", "HIGH"]}
    assert "resources" not in found
    patterns = {one["FilterPattern"] for one in resources(templates, "AWS::Logs::MetricFilter")}
    assert patterns == {'{ $.image_gate = "compared" }', '{ $.image_gate = "opened" }'}
    alarms = [*resources(templates, "AWS::CloudWatch::Alarm")]
    assert len(alarms) == 3
    for one in some(alarms):
        assert one["AlarmActions"]
        assert "docs/addons/inspector.md" in one["AlarmDescription"]


def test_the_owner_switches_on_what_it_has_and_hosts_too() -> None:
    hosts = replace(PROD, capacity=Ec2Capacity(instance_types=(_instance(),)))
    assert ADDON.scans(PROD) == ("ECR", "LAMBDA", "LAMBDA_CODE")
    assert ADDON.scans(hosts) == ("ECR", "LAMBDA", "LAMBDA_CODE", "EC2")
    assert replace(ADDON, lambda_code=False).scans(PROD) == ("ECR", "LAMBDA")
    assert ADDON.owns(PROD)
    assert not ADDON.owns(replace(PROD, shared=None))
    assert not replace(ADDON, enables=False).owns(PROD)


def _instance() -> Instance:
    return Instance(name="c7i.4xlarge", vcpu=16, memory_gb=32, usd_per_hour=0.8)


def beside(**fields: Any) -> Environment:
    return replace(
        ALONE,
        **{"name": "second", "shared": None, "network": Network(cidr="10.65.16.0/20"), **fields},
    )


def test_a_gate_needs_the_owners_inspector() -> None:
    check_together([ALONE, beside()])
    with pytest.raises(SettingsError, match="which owns the account"):
        check_together([PROD, beside()])
    hosts = beside(capacity=Ec2Capacity(instance_types=(_instance(),)))
    with pytest.raises(SettingsError, match="EC2"):
        check_together([ALONE, hosts])
    check_together([replace(ALONE, addons=(replace(ADDON, ec2=True),)), hosts])


@pytest.mark.parametrize(
    "bad",
    [
        {"finding": "*"},
        {"finding": ""},
        {"reason": "short"},
        {"reason": 5},
        {"package": "a package"},
        {"image": "latest"},
        {"expires": "2027-01-31"},
        {"expires": datetime(2027, 1, 31)},
    ],
)
def test_a_bad_waiver_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"inspector\.accepted {next(iter(bad))}"):
        replace(WAIVER, **bad)


def test_more_waivers_than_a_parameter_holds_and_the_same_twice_are_refused() -> None:
    many = tuple(replace(WAIVER, finding=f"CVE-2026-{number}") for number in range(200))
    with pytest.raises(SettingsError, match="bytes of a parameter"):
        Inspector(accepted=many)
    with pytest.raises(SettingsError, match=r"inspector\.accepted"):
        Inspector(accepted=(WAIVER, replace(WAIVER, finding=WAIVER.finding.lower())))
    with pytest.raises(SettingsError, match=r"inspector\.accepted .* a tuple"):
        Inspector(accepted=cast(Any, WAIVER))
    with pytest.raises(SettingsError, match=r"inspector\.ec2 is 'no'; allowed: True or False"):
        Inspector(ec2=cast(bool, "no"))


def test_its_page_says_what_it_costs_at_rest(templates: Mapping[str, Any]) -> None:
    bill = idle_cost([templates[STACK]], load(ON.region), own=ADDON.prices())
    assert bill.not_priced == ()
    assert {one.what: (one.quantity, round(one.usd, 2)) for one in bill.items if one.usd} == {
        "alarms": (3, 0.30),
        "metrics": (1, 0.30),
    }
    page = (Path(__file__).resolve().parents[3] / Inspector.page).read_text()
    assert "0.60 US dollars a month" in page

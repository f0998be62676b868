"""The lake passes all gates, its theorems hold and can fail, and off it leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app
from deploy.tools.idle_cost import idle_cost
from environments import DEV, PROD
from stacks.addons.log_lake import LogLake
from stacks.addons.log_lake.deliveries import BUFFER_MB
from stacks.settings import Audit, SettingsError
from starburst.pricing.prices import load
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.log_lake.conftest import CUSTODIAN, ON, READER
from tests.some import some

LAKE = ON.addons[0]
THEOREMS = {one.name: one for one in LAKE.theorems()}
CORE = {one.name: one for one in ALL}
STACK = f"{ON.name}/lake"
OURS = ("lake", "lake-delivery", "lake-custodian", None)


@pytest.fixture(scope="module")
def policy_set(synthesized: tuple[Path, PolicySet]) -> PolicySet:
    return synthesized[1]


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but the lake's."""
    ours = [one for one in policy_set.roles if "-lake" in one.arn]
    return replace(policy_set, roles=tuple(ours))


def resources(templates: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for each in templates[STACK]["Resources"].values():
        if each["Type"] == kind:
            yield each["Properties"]


def changed(policy_set: PolicySet, name: str, change: Any, *, statement: str = "") -> PolicySet:
    """Return the policies with one statement of one policy changed, or taken away."""
    policy = policy_set.policies[name]
    made: list[Statement] = []
    for one in policy.statements:
        if one.sid == statement:
            made += change(one)
        else:
            made.append(one)
    assert tuple(made) != policy.statements
    return policy_set.with_policy(Policy(name=name, statements=tuple(made)))


def test_it_passes_every_gate(synthesized: tuple[Path, PolicySet]) -> None:
    assert open_findings(synthesized[0]) == []


@pytest.mark.parametrize("name", THEOREMS)
def test_its_own_theorems_are_proved(name: str, policy_set: PolicySet) -> None:
    assert prove(THEOREMS[name], policy_set).answer == "proved"


@pytest.mark.parametrize(
    "name",
    [
        "every_role_keeps_to_its_duty",
        "duties_end_where_names_end",
        "no_role_touches_evidence",
        "lost_events_are_read_through_their_queue",
        "each_asks_by_their_own_door",
        "service_roles_are_for_us",
        "everybody_can_log_in",
        "nobody_from_outside",
        "services_do_their_job",
        "auditors_can_read_the_evidence",
        "administrators_keep_the_keys",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, alone: PolicySet) -> None:
    assert prove(CORE[name], alone).answer == "proved"


def test_the_boundary_is_still_a_ceiling(policy_set: PolicySet) -> None:
    some_roles = replace(policy_set, roles=policy_set.roles_for("lake", "endpoints"))
    assert prove(CORE["the_boundary_is_a_ceiling"], some_roles).answer == "proved"


def gone(_: Statement) -> Sequence[Statement]:
    return ()


def and_reads(one: Statement) -> Sequence[Statement]:
    return (replace(one, actions=(*one.actions, "s3:GetObject")),)


def and_erases(one: Statement) -> Sequence[Statement]:
    return (replace(one, actions=(*one.actions, "s3:DeleteObject")),)


def anywhere(one: Statement) -> Sequence[Statement]:
    return (replace(one, resources=tuple(f"{each.partition('/')[0]}/*" for each in one.resources)),)


def without_service(one: Statement) -> Sequence[Statement]:
    return (replace(one, conditions=()),)


@pytest.mark.parametrize(
    ("theorem", "policy", "statement", "change"),
    [
        ("nobody_else_reads_the_lake", "lake/BucketPolicy", "DenyOtherPrincipals", gone),
        ("nobody_else_reads_the_lake", "lake/Key policy", "DenyOtherPrincipals", gone),
        ("only_its_delivery_writes_the_lake", "lake/BucketPolicy", "DenyOtherWriters", gone),
        ("who_writes_reads_nothing", "lake/Delivery", "WriteFiles", and_reads),
        ("readers_only_read", "lake/Reading", "KeepAnswers", anywhere),
        ("readers_only_read", "lake/Reading", "ReadFiles", and_erases),
        ("readers_only_read", "lake/CustodianReading", "ReadFiles", and_erases),
        ("the_custodian_is_one_account", "lake/Custodian trust", "", without_service),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    theorem: str, policy: str, statement: str, change: Any, policy_set: PolicySet
) -> None:
    names = sorted(one for one in policy_set.policies if one.startswith("lake/"))
    found = [one for one in names if one.startswith(policy)]
    assert found, names
    mutant = changed(policy_set, found[0], change, statement=statement)
    assert prove(THEOREMS[theorem], policy_set).answer == "proved"
    assert prove(THEOREMS[theorem], mutant).answer == "refuted"


def chain(policy_set: PolicySet) -> str:
    """Return the chain that leads too far; empty where none does."""
    verdict = prove(CORE["no_chain_leads_beyond_the_duty"], policy_set)
    assert verdict.answer in ("proved", "refuted")
    return verdict.counterexample.about if verdict.counterexample else ""


def taken_by(
    policy_set: PolicySet, purpose: str, *, account: str, workspace: str = ""
) -> PolicySet:
    """Return the policies with one role that an account takes as well."""
    role = policy_set.role(purpose, workspace or None)
    [first, *_] = policy_set.policies[role.trust].statements
    taking = Statement(
        effect="Allow",
        actions=("sts:AssumeRole",),
        principals=(("AWS", f"arn:aws:iam::{account}:root"),),
    )
    return policy_set.with_policy(Policy(name=role.trust, statements=(first, taking)))


def test_one_account_takes_one_role_and_no_other_does(policy_set: PolicySet) -> None:
    becomes = "somebody of another account becomes starburst-prod"
    assert chain(policy_set) == ""
    assert chain(replace(policy_set, takers={})) == f"{becomes}-lake-custodian"
    other = taken_by(policy_set, "lake-custodian", account="111122223333")
    assert chain(other) == f"{becomes}-lake-custodian"
    assert chain(taken_by(policy_set, "lake", account=CUSTODIAN)) == f"{becomes}-lake"
    # Of a role that is not its own, an add-on has nothing to say.
    takers = {**policy_set.takers, "worker": policy_set.takers["lake-custodian"]}
    worker = taken_by(policy_set, "worker", account=CUSTODIAN, workspace="genomics")
    assert chain(replace(worker, takers=takers)) == f"{becomes}-worker-genomics"


def test_a_role_more_in_the_settings_is_a_reader_more(policy_set: PolicySet) -> None:
    """The theorem takes its readers from settings: of fewer it is false."""
    other = LogLake(readers=(f"arn:aws:iam::{PROD.account}:role/other",))
    [closed] = [one for one in other.theorems() if one.name == "nobody_else_reads_the_lake"]
    assert prove(closed, policy_set).answer == "refuted"


def test_a_duty_that_it_does_not_state_is_found(alone: PolicySet) -> None:
    unstated = {**alone.duties, "lake-delivery": alone.duties["lake-delivery"][1:]}
    verdict = prove(CORE["every_role_keeps_to_its_duty"], replace(alone, duties=unstated))
    assert verdict.answer == "refuted"
    assert "s3:" in verdict.why + str(verdict.counterexample)


def test_streams_write_parquet_encrypted_and_say_where_failures_go(
    templates: Mapping[str, Any],
) -> None:
    streams = list(resources(templates, "AWS::KinesisFirehose::DeliveryStream"))
    assert len(streams) == 3
    for each in some(streams):
        said = each["ExtendedS3DestinationConfiguration"]
        assert (
            each["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == "CUSTOMER_MANAGED_CMK"
        )
        assert said["EncryptionConfiguration"]["KMSEncryptionConfig"]["AWSKMSKeyARN"]
        assert said["DataFormatConversionConfiguration"]["Enabled"] is True
        assert said["ErrorOutputPrefix"].startswith("errors/")
        assert "!{firehose:error-output-type}" in said["ErrorOutputPrefix"]
        assert said["BufferingHints"] == {"IntervalInSeconds": 300, "SizeInMBs": BUFFER_MB}


def test_a_query_cannot_leave_what_the_workgroup_says(templates: Mapping[str, Any]) -> None:
    [group] = resources(templates, "AWS::Athena::WorkGroup")
    said = group["WorkGroupConfiguration"]
    assert said["EnforceWorkGroupConfiguration"] is True
    assert said["EngineVersion"] == {"SelectedEngineVersion": "Athena engine version 3"}
    assert said["BytesScannedCutoffPerQuery"] == 100 * 10**9
    assert said["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"


def test_each_workspace_and_the_flows_are_subscribed(templates: Mapping[str, Any]) -> None:
    groups = [one["LogGroupName"] for one in resources(templates, "AWS::Logs::SubscriptionFilter")]
    named = {one for one in groups if isinstance(one, str)}
    assert named == {f"/aws/ecs/starburst/prod/{one.name}" for one in ON.workspaces}
    assert len(groups) == len(named) + 1


@pytest.mark.parametrize(
    "bad",
    [
        {"readers": ()},
        {"readers": ("security",)},
        {"readers": ("arn:aws:iam::222233334444:role/twice",) * 2},
        {"readers": ("arn:aws:iam::222233334444:user/eve",)},
        {"custodian_account": "1"},
        {"days": 0},
        {"cutoff_gb": 0},
        {"buffer_seconds": 59},
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"lake\.{next(iter(bad))}"):
        LogLake(**{"readers": (READER,), **bad})


def test_an_environment_in_which_it_cannot_work_is_refused() -> None:
    dev = f"arn:aws:iam::{DEV.account}:role/security"
    lake = LogLake(readers=(READER,))
    for environment, addon, said in (
        (replace(PROD, audit=Audit(trail=False)), lake, "trail"),
        (DEV, lake, "readers"),
        (DEV, LogLake(readers=(dev,), custodian_account=CUSTODIAN), "while_bursting"),
        (PROD, LogLake(readers=(READER,), custodian_account=PROD.account), "custodian_account"),
    ):
        with pytest.raises(SettingsError, match=said):
            app.build([replace(environment, addons=(addon,))], validate=False)
    assert PROD.account != CUSTODIAN


def test_its_bill_has_a_price_for_every_type(templates: Mapping[str, Any]) -> None:
    prices = load(ON.region)
    bill = idle_cost([templates[STACK]], prices, own=LAKE.prices())
    assert bill.not_priced == ()
    # One key is all that is billed for existing, at the price of the Region's list.
    assert bill.usd == prices.key_month
    assert idle_cost([templates[STACK]], prices).not_priced != ()


def test_it_builds_in_an_environments_stage_alone() -> None:
    with pytest.raises(ValueError, match="no environment's stage"):
        LAKE.build(cdk.Stage(cdk.App(), "other"))

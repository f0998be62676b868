"""What the lake is deployed as; its theorems can fail, and wrong settings are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost
from environments import DEV, PROD
from stacks.addons.log_lake import LogLake
from stacks.addons.log_lake.deliveries import BUFFER_MB
from stacks.settings import Audit, SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import CUSTODIAN, ON, READER, addon_of
from tests.addons.mutants import Change, also, anywhere, changed, gone, unconditional
from tests.some import some

LAKE = addon_of(ON, "lake")
THEOREMS = {one.name: one for one in LAKE.theorems()}
CORE = {one.name: one for one in ALL}
STACK = f"{ON.name}/lake"
OURS = ("lake", "lake-delivery", "lake-custodian", None)


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but the lake's."""
    ours = [one for one in policy_set.roles if "-lake" in one.arn]
    return replace(policy_set, roles=tuple(ours))


def resources(templates: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for each in templates[STACK]["Resources"].values():
        if each["Type"] == kind:
            yield each["Properties"]


@pytest.mark.parametrize(
    ("theorem", "policy", "statement", "change"),
    [
        ("nobody_else_reads_the_lake", "lake/BucketPolicy", "DenyOtherPrincipals", gone),
        ("nobody_else_reads_the_lake", "lake/Key policy", "DenyOtherPrincipals", gone),
        ("only_its_delivery_writes_the_lake", "lake/BucketPolicy", "DenyOtherWriters", gone),
        ("who_writes_reads_nothing", "lake/Delivery", "WriteFiles", also("s3:GetObject")),
        ("readers_only_read", "lake/Reading", "KeepAnswers", anywhere),
        ("readers_only_read", "lake/Reading", "ReadFiles", also("s3:DeleteObject")),
        ("readers_only_read", "lake/CustodianReading", "ReadFiles", also("s3:DeleteObject")),
        ("the_custodian_is_one_account", "lake/Custodian trust", "", unconditional),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    *,
    theorem: str,
    policy: str,
    statement: str,
    change: Change,
    policy_set: PolicySet,
    logic: Logic,
) -> None:
    mutant = changed(policy_set, policy, statement, change)
    assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "refuted"


def chain(policy_set: PolicySet, logic: Logic) -> str:
    """Return the chain that leads too far; empty where none does."""
    verdict = prove(CORE["no_chain_leads_beyond_the_duty"], policy_set, logic=logic)
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


def test_one_account_takes_one_role_and_no_other_does(policy_set: PolicySet, logic: Logic) -> None:
    becomes = "somebody of another account becomes starburst-prod"
    assert chain(policy_set, logic) == ""
    assert chain(replace(policy_set, takers={}), logic) == f"{becomes}-lake-custodian"
    other = taken_by(policy_set, "lake-custodian", account="111122223333")
    assert chain(other, logic) == f"{becomes}-lake-custodian"
    assert chain(taken_by(policy_set, "lake", account=CUSTODIAN), logic) == f"{becomes}-lake"
    # Of a role that is not its own, an add-on has nothing to say.
    takers = {**policy_set.takers, "worker": policy_set.takers["lake-custodian"]}
    worker = taken_by(policy_set, "worker", account=CUSTODIAN, workspace="genomics")
    assert chain(replace(worker, takers=takers), logic) == f"{becomes}-worker-genomics"


def test_a_role_more_in_the_settings_is_a_reader_more(policy_set: PolicySet, logic: Logic) -> None:
    """The theorem takes its readers from settings: of fewer it is false."""
    other = LogLake(readers=(f"arn:aws:iam::{PROD.account}:role/other",))
    [closed] = [one for one in other.theorems() if one.name == "nobody_else_reads_the_lake"]
    assert prove(closed, policy_set, logic=logic).answer == "refuted"


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
    # One key and five alarms are all that is billed for existing, by the Region's list.
    assert bill.usd == pytest.approx((prices.key_month or 0) + 5 * (prices.alarm_month or 0))
    assert idle_cost([templates[STACK]], prices).not_priced != ()

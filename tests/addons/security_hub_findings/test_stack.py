"""What the reports are deployed as; their theorems can fail, and wrong settings are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost
from environments import DEV, PROD
from stacks.addons.security_hub_findings import SecurityHubFindings
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.stages import policy_set_of
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import ON, READER, addon_of
from tests.addons.mutants import Change, also, changed, gone, only_at, unconditional
from tests.some import some

HUB = addon_of(ON, "findings")
THEOREMS = {one.name: one for one in HUB.theorems()}
CORE = {one.name: one for one in ALL}


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but those of the reports."""
    ours = policy_set.roles_for("findings", "findings-link")
    return replace(policy_set, roles=tuple(ours))


@pytest.fixture(scope="module")
def template(templates: Mapping[str, Any]) -> Mapping[str, Any]:
    return templates[f"{ON.name}/findings"]


def of_type(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == kind]


everywhere = only_at("*")


def by_the_account(one: Statement) -> Sequence[Statement]:
    return (replace(one, principals=(("AWS", f"arn:aws:iam::{PROD.account}:root"),)),)


BUCKET = "findings/ReportsPolicy"
FUNCTION = "findings/ReportRole"
CAPS = "findings/Boundary"
LINK = "findings/LinkOpen"
ASKING = ((FUNCTION, "AskForFindings"), (CAPS, "Findings"))


@pytest.mark.parametrize(
    ("theorem", "weakened", "change"),
    [
        ("nobody_else_reads_the_reports", ((BUCKET, "DenyOtherPrincipals"),), gone),
        ("nobody_else_reads_the_reports", (("findings/Key policy", "DenyOtherPrincipals"),), gone),
        ("only_its_function_writes_reports", ((BUCKET, "DenyOtherWriters"),), gone),
        ("who_writes_reports_reads_none", ((FUNCTION, "EncryptMessages"),), unconditional),
        ("who_writes_reports_reads_none", ((FUNCTION, "EncryptReports"),), also("kms:Decrypt")),
        (
            "findings_are_read_and_never_changed",
            ASKING,
            also("securityhub:BatchUpdateFindings"),
        ),
        ("findings_are_read_and_never_changed", ASKING, everywhere),
        ("a_link_opens_reports_alone", ((LINK, "ReadReports"), (CAPS, "Reports")), everywhere),
        ("a_link_opens_reports_alone", ((LINK, "ReadReports"),), also("s3:PutObject")),
        ("a_link_opens_reports_alone", (("findings/Link trust", ""),), by_the_account),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    theorem: str,
    weakened: tuple[tuple[str, str], ...],
    change: Change,
    policy_set: PolicySet,
    logic: Logic,
) -> None:
    mutant = policy_set
    for policy, statement in some(weakened):
        mutant = changed(mutant, policy, statement, change)
    assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "refuted"


def chain(policy_set: PolicySet) -> str:
    verdict = prove(CORE["no_chain_leads_beyond_the_duty"], policy_set)
    return verdict.counterexample.about if verdict.counterexample else verdict.answer


def test_the_function_alone_takes_the_links_role(alone: PolicySet) -> None:
    """What an add-on says of itself is no more than what it says."""
    assert chain(alone) == "proved"
    becomes = "somebody else of the account becomes starburst-prod-findings-link"
    assert chain(replace(alone, takers={})) == becomes
    link = alone.role("findings-link")
    opened = changed(alone, link.trust, "", by_the_account)
    assert chain(opened) == becomes


@pytest.mark.parametrize(
    ("core", "unsaid"),
    [
        ("every_role_is_bounded", {"ceilings": {}}),
        ("every_role_keeps_to_its_duty", {"duties": {}}),
    ],
)
def test_what_it_does_not_state_is_found(
    core: str, unsaid: dict[str, Any], alone: PolicySet, logic: Logic
) -> None:
    assert prove(CORE[core], replace(alone, **unsaid), logic=logic).answer == "refuted"


def test_a_role_more_in_the_settings_is_a_reader_more(policy_set: PolicySet, logic: Logic) -> None:
    """The theorem takes its readers from settings: of others it is false."""
    other = replace(HUB, readers=(f"arn:aws:iam::{PROD.account}:role/other",))
    [closed] = [one for one in other.theorems() if one.name == "nobody_else_reads_the_reports"]
    assert prove(closed, policy_set, logic=logic).answer == "refuted"


def test_beside_others_each_has_its_logs_delivered(outdir: Path, policy_set: PolicySet) -> None:
    lake = addon_of(ON, "lake")
    both = policy_set_of(ON, outdir, addons=(lake, HUB), deployer=None)
    said = {job.where for job in both.jobs["storage/AccessLogs"]}
    assert said == {"/lake/*", "/findings/*"}
    assert said < {job.where for job in policy_set.jobs["storage/AccessLogs"]}


def test_a_report_is_written_each_week_and_what_fails_waits(template: Mapping[str, Any]) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    schedules = {rule["ScheduleExpression"] for rule in rules}
    assert schedules == {"cron(0 8 ? * MON *)", "rate(12 hours)"}
    assert {rule["State"] for rule in rules} == {"ENABLED"}
    [function] = of_type(template, "AWS::Lambda::Function")
    assert function["Timeout"] == 900
    assert function["ReservedConcurrentExecutions"] == 1
    assert "TargetArn" in function["DeadLetterConfig"]
    assert function["Environment"]["Variables"]["FINDINGS_LINK_MINUTES"] == "30"
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert len(alarms) == 3
    page = Path(__file__).parents[3] / HUB.page
    for alarm in some(alarms):
        assert alarm["AlarmActions"]
        _, _, heading = alarm["AlarmDescription"].partition(f"{HUB.page}#")
        assert f"\n### {heading.capitalize()}\n" in page.read_text()


def test_a_link_opens_from_the_environments_networks_alone(policy_set: PolicySet) -> None:
    link = policy_set.role("findings-link")
    [denied] = [
        one
        for name in link.policies
        for one in policy_set.policies[name].statements
        if one.effect == "Deny"
    ]
    assert denied.sid == "NothingFromElsewhere"
    assert ("140.107.0.0/16",) in [one.values for one in denied.conditions]


@pytest.mark.parametrize(
    "bad",
    [
        {"emails": ()},
        {"emails": ("nobody",)},
        {"emails": "security@example.com"},
        {"readers": ()},
        {"readers": ("security",)},
        {"readers": (READER, READER)},
        {"schedule": "weekly"},
        {"schedule": "cron(0 8 * * MON)"},
        {"schedule": "cron(0 8 1 * MON *)"},
        *(
            {"schedule": f"cron({each})"}
            for each in (
                *("60 8 ? * MON *", "0 24 ? * MON *", "0 8 32 * ? *", "0 8 ? 13 MON *"),
                *("0 8 ? * 8 *", "0 8 ? * MON#6 *", "0 8 ? * MONDAY *", "0 8 ? * MON 1960"),
                # On no day of any year.
                *("0 8 31 2 ? *", "0 8 30 FEB ? *", "0 8 31 11 ? *", "0/0 8 ? * MON *"),
            )
        ),
        {"severities": ()},
        {"severities": ("SEVERE",)},
        {"severities": ("HIGH", "HIGH")},
        {"days": 0},
        {"overdue_days": 0},
        {"overdue_days": 401},
        {"link_minutes": 14},
        {"link_minutes": 61},
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    good: dict[str, Any] = {"emails": ("a@example.com",), "readers": (READER,)}
    with pytest.raises(SettingsError, match=rf"findings\.{next(iter(bad))}"):
        SecurityHubFindings(**{**good, **bad})


@pytest.mark.parametrize(
    ("environment", "changes", "said"),
    [(DEV, {}, "readers"), (PROD, {"hub_region": "us-east-1"}, "hub_region")],
)
def test_an_environment_in_which_it_cannot_work_is_refused(
    environment: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=f"findings.{said}"):
        app.build([replace(environment, addons=(replace(HUB, **changes),))], validate=False)


def test_its_bill_is_a_key_and_three_alarms(template: Mapping[str, Any]) -> None:
    prices = load(ON.region)
    assert idle_cost([template], prices, own=HUB.prices()).not_priced == ()
    assert idle_cost([template], prices).usd == pytest.approx(1.3)


@pytest.mark.parametrize(
    "schedule",
    [
        *("0 8 ? * MON *", "0 8 ? * 2 *", "0/15 8-17 ? * MON-FRI *", "15,45 8 ? * mon,WED *"),
        *("0 8 L * ? *", "0 8 LW * ? *", "0 8 15W * ? *", "0 8 1,15 * ? *", "00 08 31 12 ? *"),
        *("0 8 ? * 6L *", "0 8 ? * 2#1 *", "0 8 ? JAN,APR,JUL,OCT SUN 2026-2030", "0 8 29 2 ? *"),
    ],
)
def test_a_schedule_that_eventbridge_takes_is_taken(schedule: str) -> None:
    said = f"cron({schedule})"
    made = SecurityHubFindings(emails=("a@example.com",), readers=(READER,), schedule=said)
    assert made.schedule == said

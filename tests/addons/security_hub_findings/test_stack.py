"""The reports pass all gates, their theorems hold and can fail, and off they leave no trace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost, templates_by_environment
from environments import DEV, PROD
from stacks.addons.log_lake import LogLake
from stacks.addons.security_hub_findings import SecurityHubFindings
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.stages import policy_set_of
from starburst_assurance.proofs.theorems import ALL
from tests.addons.security_hub_findings.conftest import HUB, ON, READER
from tests.some import some

THEOREMS = {one.name: one for one in HUB.theorems()}
CORE = {one.name: one for one in ALL}


@pytest.fixture(scope="module")
def policy_set(synthesized: tuple[Path, PolicySet]) -> PolicySet:
    return synthesized[1]


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but those of the reports."""
    ours = policy_set.roles_for("findings", "findings-link")
    return replace(policy_set, roles=tuple(ours))


@pytest.fixture(scope="module")
def template(synthesized: tuple[Path, PolicySet]) -> Mapping[str, Any]:
    [file] = (synthesized[0] / f"assembly-{ON.name}").glob("*findings*.template.json")
    return json.loads(file.read_text())


def of_type(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == kind]


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
        "no_role_weakens_the_record",
        "every_role_is_bounded",
        "nobody_from_outside",
        "no_chain_leads_beyond_the_duty",
        "services_do_their_job",
        "administrators_keep_the_keys",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, alone: PolicySet) -> None:
    assert prove(CORE[name], alone).answer == "proved"


def test_the_boundary_is_still_a_ceiling(policy_set: PolicySet) -> None:
    roles = replace(policy_set, roles=policy_set.roles_for("findings", "endpoints"))
    assert prove(CORE["the_boundary_is_a_ceiling"], roles).answer == "proved"


def gone(_: Statement) -> Sequence[Statement]:
    return ()


def through_any(one: Statement) -> Sequence[Statement]:
    return (replace(one, conditions=()),)


def and_also(action: str) -> Any:
    def wider(one: Statement) -> Sequence[Statement]:
        return (replace(one, actions=(*one.actions, action)),)

    return wider


def anywhere(one: Statement) -> Sequence[Statement]:
    return (replace(one, resources=("*",)),)


def by_the_account(one: Statement) -> Sequence[Statement]:
    return (replace(one, principals=(("AWS", f"arn:aws:iam::{PROD.account}:root"),)),)


def changed(policy_set: PolicySet, name: str, change: Any, *, statement: str) -> PolicySet:
    """Return the policies with one statement of one policy changed, or taken away."""
    policy = policy_set.policies[name]
    made: list[Statement] = []
    for one in policy.statements:
        made += change(one) if (one.sid or "") == statement else [one]
    assert tuple(made) != policy.statements
    return policy_set.with_policy(Policy(name=name, statements=tuple(made)))


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
        ("who_writes_reports_reads_none", ((FUNCTION, "EncryptMessages"),), through_any),
        ("who_writes_reports_reads_none", ((FUNCTION, "EncryptReports"),), and_also("kms:Decrypt")),
        (
            "findings_are_read_and_never_changed",
            ASKING,
            and_also("securityhub:BatchUpdateFindings"),
        ),
        ("findings_are_read_and_never_changed", ASKING, anywhere),
        ("a_link_opens_reports_alone", ((LINK, "ReadReports"), (CAPS, "Reports")), anywhere),
        ("a_link_opens_reports_alone", ((LINK, "ReadReports"),), and_also("s3:PutObject")),
        ("a_link_opens_reports_alone", (("findings/Link trust", ""),), by_the_account),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    theorem: str, weakened: tuple[tuple[str, str], ...], change: Any, policy_set: PolicySet
) -> None:
    mutant = policy_set
    for begins, sid in some(weakened):
        named = [
            name
            for name, policy in sorted(policy_set.policies.items())
            if name.startswith(begins) and any((one.sid or "") == sid for one in policy.statements)
        ]
        assert named, begins
        mutant = changed(mutant, named[0], change, statement=sid)
    assert prove(THEOREMS[theorem], mutant).answer == "refuted"


def chain(policy_set: PolicySet) -> str:
    verdict = prove(CORE["no_chain_leads_beyond_the_duty"], policy_set)
    return verdict.counterexample.about if verdict.counterexample else verdict.answer


def test_the_function_alone_takes_the_links_role(alone: PolicySet) -> None:
    """What an add-on says of itself is no more than what it says."""
    assert chain(alone) == "proved"
    becomes = "somebody else of the account becomes starburst-prod-findings-link"
    assert chain(replace(alone, takers={})) == becomes
    link = alone.role("findings-link")
    opened = changed(alone, link.trust, by_the_account, statement="")
    assert chain(opened) == becomes


@pytest.mark.parametrize(
    ("core", "unsaid"),
    [
        ("every_role_is_bounded", {"ceilings": {}}),
        ("services_do_their_job", {"jobs": {}}),
        ("every_role_keeps_to_its_duty", {"duties": {}}),
    ],
)
def test_what_it_does_not_state_is_found(
    core: str, unsaid: dict[str, Any], alone: PolicySet
) -> None:
    assert prove(CORE[core], replace(alone, **unsaid)).answer == "refuted"


def test_a_role_more_in_the_settings_is_a_reader_more(policy_set: PolicySet) -> None:
    """The theorem takes its readers from settings: of others it is false."""
    other = replace(HUB, readers=(f"arn:aws:iam::{PROD.account}:role/other",))
    [closed] = [one for one in other.theorems() if one.name == "nobody_else_reads_the_reports"]
    assert prove(closed, policy_set).answer == "refuted"


def test_beside_the_lake_both_have_their_logs_delivered(
    synthesized: tuple[Path, PolicySet],
) -> None:
    lake = LogLake(readers=(READER,))
    both = policy_set_of(ON, synthesized[0], addons=(lake, HUB), deployer=None)
    said = {job.where for job in both.jobs["storage/AccessLogs"]}
    assert said == {"/lake/*", "/findings/*"}


def test_a_report_is_written_each_week_and_what_fails_waits(template: Mapping[str, Any]) -> None:
    [rule] = of_type(template, "AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "cron(0 8 ? * MON *)"
    assert rule["State"] == "ENABLED"
    [function] = of_type(template, "AWS::Lambda::Function")
    assert function["Timeout"] == 900
    assert function["ReservedConcurrentExecutions"] == 1
    assert "TargetArn" in function["DeadLetterConfig"]
    assert function["Environment"]["Variables"]["FINDINGS_LINK_MINUTES"] == "30"
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert len(alarms) == 2
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


def test_off_it_leaves_no_trace() -> None:
    """What an environment's templates are made of is then what it was, to the last field."""
    assert replace(ON, addons=()) == replace(PROD, trusted_cidrs=ON.trusted_cidrs)


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


def test_its_bill_has_a_price_for_every_type(
    synthesized: tuple[Path, PolicySet], template: Mapping[str, Any]
) -> None:
    [(_, found)] = templates_by_environment(synthesized[0]).items()
    prices = load(ON.region)
    assert idle_cost(found, prices, own=HUB.prices()).not_priced == ()
    assert idle_cost([template], prices).usd == pytest.approx(1.2)


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

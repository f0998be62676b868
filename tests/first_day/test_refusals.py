"""What a first day refuses before anything is created, and how its deployment is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.rehearsal import deployment as deployment_module
from deploy.rehearsal import first_day
from deploy.rehearsal.account import Refused, bootstrap_parameter, find_account, require_ready
from deploy.rehearsal.day import Day
from deploy.rehearsal.deployment import Deployment
from deploy.rehearsal.first_day import main
from deploy.rehearsal.unfinished import Unfinished
from deploy.tools.cdk import CdkFailed
from environments import DEV
from stacks.settings import Environment
from tests.first_day.stubs import ACCOUNT, NAME, REGION, THEN, TRIAL, Stubs, Time, stack


def ready(
    *stacks: dict[str, Any], bootstrapped: bool = True, free: int = 1000, ecs: bool = True
) -> Stubs:
    """An account as AWS shows it."""
    stubs = Stubs().answers("cloudformation", "describe_stacks", {"Stacks": list(stacks)})
    name = "/cdk-bootstrap/hnb659fds/version"
    if bootstrapped:
        stubs.answers("ssm", "get_parameter", {"Parameter": {"Value": "21"}}, Name=name)
    else:
        stubs.refuses("ssm", "get_parameter", "ParameterNotFound")
    limits = {"UnreservedConcurrentExecutions": free, "ConcurrentExecutions": free}
    stubs.answers("lambda", "get_account_settings", {"AccountLimit": limits})
    role = {
        "Path": "/",
        "RoleName": "AWSServiceRoleForECS",
        "RoleId": "A" * 16,
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForECS",
        "CreateDate": THEN,
    }
    if ecs:
        stubs.answers("iam", "get_role", {"Role": role})
    else:
        stubs.refuses("iam", "get_role", "NoSuchEntity")
    return stubs


def test_an_account_that_is_ready_is_taken_whatever_else_is_there() -> None:
    stubs = ready(stack("network", environment="dev"), stack("network", status="DELETE_COMPLETE"))
    require_ready(TRIAL, stubs, reserved=10)
    stubs.all_were_asked()


@pytest.mark.parametrize(
    ("stubs", "words"),
    [
        (lambda: ready(stack("network")), f"starburst-{NAME}-network: such stacks exist"),
        (lambda: ready(stack("cost", status="ROLLBACK_COMPLETE")), "such stacks exist"),
        (lambda: ready(bootstrapped=False), "is not bootstrapped"),
        (lambda: ready(free=10), "Lambda has 10 unreserved executions, and 110 are needed"),
        (lambda: ready(ecs=False), "no role AWSServiceRoleForECS"),
    ],
    ids=["a-stack", "a-failed-stack", "no-bootstrap", "young-lambda", "no-ecs-role"],
)
def test_what_would_stop_a_deployment_is_refused(stubs: Callable[[], Stubs], words: str) -> None:
    with pytest.raises(Refused, match=words) as told:
        require_ready(TRIAL, stubs(), reserved=10)
    assert "othing was created" in str(told.value)


class Signed:
    """boto3's session, as far as it is asked who it is."""

    def __init__(self, stubs: Stubs) -> None:
        self.client = lambda service, config=None: stubs(service)


@pytest.mark.parametrize(
    ("account", "arn", "words"),
    [
        ("111111111111", "arn:aws:sts::111111111111:assumed-role/a/b", "of account 111111111111"),
        (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ada", "no role's"),
        (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "no role's"),
    ],
    ids=["other-account", "user", "root"],
)
def test_other_credentials_are_refused(
    account: str, arn: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = {"Account": account, "Arn": arn, "UserId": "x"}
    stubs = Stubs().answers("sts", "get_caller_identity", caller)
    monkeypatch.setattr("boto3.Session", lambda region_name: Signed(stubs))
    with pytest.raises(Refused, match=words):
        find_account(DEV)


def test_the_roles_own_arn_has_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/Admin"
    caller = {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ada"}
    role = {"Path": "/", "RoleName": "Admin", "RoleId": "A" * 16, "Arn": arn, "CreateDate": THEN}
    stubs = Stubs().answers("sts", "get_caller_identity", caller)
    stubs.answers("iam", "get_role", {"Role": role}, RoleName="Admin")
    monkeypatch.setattr("boto3.Session", lambda region_name: Signed(stubs))
    assert find_account(DEV).role_arn == arn


def words(folder: Path, *more: str) -> list[str]:
    return ["--environment", "dev", "--folder", str(folder), *more]


def test_it_begins_when_the_accounts_number_was_typed(at_hand: list[Day], tmp_path: Path) -> None:
    assert main(words(tmp_path), ask=lambda _: f" {ACCOUNT} ") == 0
    [day] = at_hand
    assert day.record.name.startswith("fd")
    assert day.deployment.environment.name == day.record.name
    assert day.deployment.environment.purpose == "test"


@pytest.mark.parametrize("typed", ["", "dev", "111122223333", None])
def test_it_does_not_begin_otherwise(
    typed: str | None, at_hand: list[Day], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(_: str) -> str:
        if typed is None:
            raise EOFError
        return typed

    assert main(words(tmp_path), ask=ask) == 2
    assert not at_hand
    assert "nothing was created" in capsys.readouterr().err


def test_a_plan_needs_no_account_and_begins_nothing(
    at_hand: list[Day],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delattr(first_day, "find_account")
    assert main(words(tmp_path, "--plan")) == 0
    assert not at_hand
    assert "It costs 0.40 USD at most for its first hour" in capsys.readouterr().out


def test_an_unfinished_day_is_finished_first(
    at_hand: list[Day], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = Unfinished(environment="dev", name=NAME, account=ACCOUNT, region=REGION, workers=7)
    record.write(tmp_path)
    assert main(words(tmp_path), ask=lambda _: ACCOUNT) == 2
    assert f"{NAME} of an earlier first day" in capsys.readouterr().err
    assert main(words(tmp_path, "--destroy-only")) == 0
    [day] = at_hand
    assert (day.record, day.deployment.environment.name) == (record, NAME)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "no first day of dev is unfinished"),
        (["--name", "prod"], "prod is no throw-away environment"),
        (["--name", "fdabc1234"], "is no throw-away environment"),
    ],
)
def test_nothing_else_is_ever_destroyed(
    more: list[str],
    told: str,
    at_hand: list[Day],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(words(tmp_path, "--destroy-only", *more)) == 2
    assert not at_hand
    assert told in capsys.readouterr().err


def test_a_throw_away_environment_of_another_machine_is_named(
    at_hand: list[Day], tmp_path: Path
) -> None:
    assert main(words(tmp_path, "--destroy-only", "--name", NAME)) == 0
    assert at_hand[0].record.name == NAME


def test_what_was_deployed_elsewhere_is_not_looked_for_here(
    at_hand: list[Day], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Unfinished(
        environment="dev", name=NAME, account="111122223333", region=REGION, workers=4
    ).write(tmp_path)
    assert main(words(tmp_path, "--destroy-only")) == 2
    assert not at_hand
    assert "was deployed in 111122223333" in capsys.readouterr().err


def test_workers_need_a_builder_of_images(
    at_hand: list[Day],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CDK_DOCKER", "no-such-program")
    assert main(words(tmp_path), ask=lambda _: ACCOUNT) == 2
    assert "no no-such-program here" in capsys.readouterr().err
    assert main(words(tmp_path, "--without-workers"), ask=lambda _: ACCOUNT) == 0


def test_an_image_that_a_tag_names_is_refused_before_anything_is_created(
    at_hand: list[Day],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BASE", "python:3.11-slim")
    assert main(words(tmp_path), ask=lambda _: ACCOUNT) == 2
    said = capsys.readouterr().err
    assert "nothing was created. BASE=python:3.11-slim names no digest" in said
    assert "BASE=… python -m deploy.first_day …" in said
    assert not at_hand
    assert main(words(tmp_path, "--without-workers"), ask=lambda _: ACCOUNT) == 0


def test_an_unreadable_record_hides_no_environment(
    at_hand: list[Day], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Unfinished.path(tmp_path, "dev").write_text("{")
    assert main(words(tmp_path), ask=lambda _: ACCOUNT) == 2
    assert "may still cost money" in capsys.readouterr().err


def test_the_image_is_pushed_between_the_registry_and_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[str] = []
    digest = f"sha256:{'a' * 64}"

    def push(environment: Environment, tag: str, **_: object) -> str:
        assert environment.image_digest != digest
        assert tag.endswith("-20261122120000")
        steps.append("push")
        return digest

    def synthesize(environment: Environment, outdir: Path) -> Path:
        steps.append(environment.image_digest)
        return outdir

    monkeypatch.setattr(deployment_module, "push", push)
    monkeypatch.setattr(deployment_module, "synthesize", synthesize)
    stubs = Stubs()
    for _ in range(5):
        stubs.answers("cloudformation", "describe_stacks", {"Stacks": []})
    for _ in range(2):
        stubs.refuses("ssm", "get_parameter", "ParameterNotFound")
    made = Deployment(
        environment=TRIAL,
        clients=stubs,
        assembly=Path("/nowhere/plan"),
        say=lambda _: None,
        clock=Time().clock,
        cdk=lambda arguments: steps.append(" ".join(arguments[1:4])),
    )
    assert made.deploy(workers=True).verdict == "held"
    assert made.environment.image_digest == digest
    assert steps == [
        f"{NAME}/registry --app /nowhere/plan",
        "push",
        digest,
        f"{NAME}/* --app /nowhere/with-image",
    ]


def test_a_failed_deployment_is_told_in_cloudformations_words() -> None:
    stubs = Stubs().answers("cloudformation", "describe_stacks", {"Stacks": []})
    stubs.answers("cloudformation", "describe_stacks", {"Stacks": []})
    failed = stack("network", status="ROLLBACK_COMPLETE")
    stubs.answers("cloudformation", "describe_stacks", {"Stacks": [failed]})
    event = {
        "StackId": "x",
        "EventId": "y",
        "StackName": failed["StackName"],
        "Timestamp": THEN,
        "ResourceType": "AWS::EC2::FlowLog",
        "LogicalResourceId": "FlowLog",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "Access Denied for LogDestination",
    }
    others = [
        {**event, "ResourceStatusReason": "Resource creation cancelled"},
        {**event, "ResourceStatus": "CREATE_COMPLETE"},
    ]
    stubs.answers("cloudformation", "describe_stack_events", {"StackEvents": [event, *others]})
    stubs.refuses("ssm", "get_parameter", "ParameterNotFound")

    def cdk(_: object) -> None:
        raise CdkFailed("cdk deploy failed")

    deployment = Deployment(
        environment=TRIAL,
        clients=stubs,
        assembly=Path("/nowhere"),
        say=lambda _: None,
        clock=Time().clock,
        cdk=cdk,
    )
    finding = deployment.deploy(workers=False)
    assert finding.verdict == "did not hold"
    assert finding.answer.failed == (
        "CdkFailed: cdk deploy failed",
        "network: FlowLog (AWS::EC2::FlowLog): CREATE_FAILED: Access Denied for LogDestination",
    )


def test_an_own_qualifier_of_cdk_is_looked_for(tmp_path: Path) -> None:
    settings = tmp_path / "cdk.json"
    settings.write_text('{"context": {"@aws-cdk/core:bootstrapQualifier": "platform"}}')
    assert bootstrap_parameter(settings) == "/cdk-bootstrap/platform/version"
    assert bootstrap_parameter() == "/cdk-bootstrap/hnb659fds/version"

"""Sessions are ended by a policy that is shown first, put once, and taken away without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from deploy.incident import command as commands
from deploy.incident.command import Clients
from deploy.incident.revoke import main
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.revocation import revocation_document, revoker_document
from tests.incident.calls import actions, taken
from tests.incident.environments import BUCKET, Parameters
from tests.quick_moto import quick_aws, quick_client

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ROLES = [f"starburst-prod-{kind}-genomics" for kind in ("analyst", "steward", "worker")]
WHICH = ["--environment", "prod", "--workspace", "genomics"]
NOON = ["--before", "2026-01-01T12:00:00Z"]


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch) -> Iterator[IAMClient]:
    """The roles of a workspace, each with an inline policy of its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with quick_aws():
        client = quick_client("iam", "eu-west-1")
        for role in ROLES:
            client.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
            client.put_role_policy(
                RoleName=role,
                PolicyName="Own",
                PolicyDocument=json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                    }
                ),
            )
        yield client


def clients(iam: IAMClient) -> Clients:
    """Return the clients of a role that may."""
    s3 = quick_client("s3", "us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="sessions/genomics/alice/x/manifest.json", Body=b"")
    made = {"iam": iam, "s3": s3, "ssm": Parameters()}
    return made.__getitem__


def inline(iam: IAMClient) -> dict[str, dict[str, Any]]:
    """Return all inline policies by role and name."""
    return {
        role: {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        for role in ROLES
    }


def test_it_only_shows_unless_told(iam: IAMClient, capsys: pytest.CaptureFixture[str]) -> None:
    before = inline(iam)
    assert main([*WHICH, *NOON], clients=clients(iam)) == 0
    out = capsys.readouterr().out
    assert all(role in out for role in ROLES)
    assert '"aws:TokenIssueTime": "2026-01-01T12:00:00Z"' in out
    assert "Nothing was changed" in out
    assert inline(iam) == before


def test_what_is_put_is_what_is_proved(iam: IAMClient) -> None:
    """``revoked_sessions_are_dead`` is about this very document."""
    assert main([*WHICH, *NOON, "--apply"], clients=clients(iam)) == 0
    expected = revocation_document(datetime(2026, 1, 1, 12, tzinfo=UTC))
    for policies in inline(iam).values():
        assert policies["DenyOlderSessions"] == expected


def test_twice_is_once_and_undo_leaves_nothing(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    before = inline(iam)
    main([*WHICH, *NOON, "--apply"], clients=clients(iam))
    there = inline(iam)
    capsys.readouterr()
    assert main([*WHICH, *NOON, "--apply"], clients=clients(iam)) == 0
    assert capsys.readouterr().out.count("already there") == 3
    assert inline(iam) == there
    assert main([*WHICH, "--undo", "--apply"], clients=clients(iam)) == 0
    assert inline(iam) == before
    assert main([*WHICH, "--undo", "--apply"], clients=clients(iam)) == 0
    assert capsys.readouterr().out.count("nothing to undo") == 3


def test_an_earlier_moment_never_takes_a_laters_place(iam: IAMClient) -> None:
    main([*WHICH, *NOON, "--apply"], clients=clients(iam))
    there = inline(iam)
    main([*WHICH, "--before", "2025-12-31T00:00:00", "--apply"], clients=clients(iam))
    assert inline(iam) == there
    main([*WHICH, "--before", "2026-01-01T14:00:00+01:00", "--apply"], clients=clients(iam))
    assert inline(iam) != there


def test_one_user_is_put_out_of_the_roles_of_people_alone(iam: IAMClient) -> None:
    assert main([*WHICH, *NOON, "--user", "alice", "--apply"], clients=clients(iam)) == 0
    analyst, steward, worker = (inline(iam)[role] for role in ROLES)
    for person in (analyst, steward):
        condition = person["DenyOlderSessions-alice"]["Statement"][0]["Condition"]
        assert condition["StringEquals"] == {"aws:PrincipalTag/userName": "alice"}
    assert list(worker) == ["Own"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--environment", "nowhere"], "environments.py has"),
        (["--environment", "prod", "--workspace", "botany"], "no workspace botany"),
        ([*WHICH, "--user", "a/b"], "no user's name"),
        (["--environment", "prod", "--workspace", "markets", "--apply"], "there is no role"),
    ],
)
def test_what_cannot_be_done_is_said(
    iam: IAMClient, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(arguments, clients=clients(iam)) == 2
    assert word in capsys.readouterr().err


def revoker() -> dict[str, Any]:
    roles = [f"arn:aws:iam::222233334444:role/{role}" for role in ROLES]
    placement = Placement(account="222233334444", region="eu-west-1")
    return revoker_document("prod", ["genomics"], roles, bucket=BUCKET, placement=placement)


def test_it_prints_exactly_the_permission_that_it_takes(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WHICH, "--permission"], clients=clients(iam)) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == revoker()
    made = clients(iam)
    calls = taken(iam, made("s3"))
    for words in (["--user", "alice"], []):
        assert main([*WHICH, *words, "--apply"], clients=made) == 0
        assert main([*WHICH, *words, "--undo", "--apply"], clients=made) == 0
    assert calls == actions(printed, "iam", "s3")


@pytest.mark.parametrize("words", [[], ["--apply"], ["--undo", "--apply"]])
def test_a_slip_in_the_name_is_no_success(
    iam: IAMClient, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    before = inline(iam)
    assert main([*WHICH, "--user", "alcie", *words], clients=clients(iam)) == 2
    assert "Did you mean alice?" in capsys.readouterr().err
    assert inline(iam) == before
    words = [*WHICH, "--user", "alcie", "--in-advance", "--apply"]
    assert main(words, clients=clients(iam)) == 0
    assert inline(iam) != before


@pytest.mark.parametrize("user", [None, "alice"])
def test_iam_knows_every_word_of_it(user: str | None) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    for document in (revocation_document(when, user=user), revoker()):
        assert list(complaints(Policy.parse("p", document))) == []


@pytest.mark.parametrize("account", ["222233334444", "999999999999"])
@pytest.mark.parametrize("command", ["revoke", "contain", "isolate", "hold", "events"])
def test_the_shells_credentials_are_of_the_environments_account_and_region(
    command: str, account: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever Region the shell names; of another account nothing is asked but whose it is."""
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    made: list[tuple[str, str]] = []

    class Session:
        def __init__(self, *, region_name: str) -> None:
            self.region = region_name

        def client(self, service: str, **_: object) -> Any:
            made.append((service, self.region))
            return SimpleNamespace(get_caller_identity=lambda: {"Account": account})

    monkeypatch.setattr(commands.boto3, "Session", Session)
    words = WHICH if command != "isolate" else WHICH[:2]
    words = [*words, *(["--apply"] if command != "events" else [])]
    run = import_module(f"deploy.incident.{command}").main
    if account == "222233334444":
        with pytest.raises(AttributeError):  # that service does nothing here
            run(words)
        assert len(made) > 1
    else:
        assert run(words) == 2
        assert f"the credentials are of account {account}, prod is in 222233334444" in (
            capsys.readouterr().err
        )
        assert [service for service, _ in made] == ["sts"]
    assert {region for _, region in made} == {"eu-west-1"}

"""An IAM user's keys, login and sessions end by one command, and come back by its record (A4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto.iam.models import iam_backends

import deploy.credentials.disable as command
from environments import DEV
from stacks.settings import MfaUsers
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.identity.credentials import DENY_ALL, disabler_document
from tests.incident.calls import actions, taken
from tests.quick_moto import quick_aws, quick_client

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

USERS = replace(DEV, identity=MfaUsers(account=DEV.account, path="/analysts/"))
ALICE = ["--environment", "dev", "--user", "alice"]


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[IAMClient]:
    """Alice, with a key that works, one that does not, and a password."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "find_environment", lambda _name: USERS)
    with quick_aws():
        client = quick_client("iam", "eu-west-1")
        client.create_user(UserName="alice", Path="/analysts/")
        keys = [
            client.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"] for _ in "ab"
        ]
        client.update_access_key(UserName="alice", AccessKeyId=keys[1], Status="Inactive")
        client.create_login_profile(UserName="alice", Password="a long enough one")
        denial = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        nothing = {"Version": "2012-10-17", "Statement": denial}
        client.create_policy(PolicyName="AWSDenyAll", PolicyDocument=json.dumps(nothing))
        # moto knows AWS's own policies only where it loads all 1,400 of them.
        [policy] = iam_backends["123456789012"]["aws"].managed_policies.values()
        policy.account_id = "aws"
        yield client


def run(iam: IAMClient, *words: str) -> int:
    made = {"iam": iam, "sts": quick_client("sts", "eu-west-1")}
    return command.main([*ALICE, *words], clients=made.__getitem__)


def state(iam: IAMClient) -> tuple[list[str], bool, bool]:
    """Return the keys' states, whether there is a password, whether everything is denied."""
    keys = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    attached = iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"]
    try:
        iam.get_login_profile(UserName="alice")
        login = True
    except iam.exceptions.NoSuchEntityException:
        login = False
    denied = [one.get("PolicyArn") for one in attached] == [DENY_ALL]
    return [one["Status"] for one in keys], login, denied


BEFORE = (["Active", "Inactive"], True, False)
DISABLED = (["Inactive", "Inactive"], False, True)


def test_it_shows_first_and_changes_nothing(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(iam) == 0
    assert state(iam) == BEFORE
    assert "alice has 1 access keys that work" in capsys.readouterr().out


def test_all_of_it_ends_twice_as_well_as_once_and_comes_back(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(iam, "--apply", "--record", "one.json") == 0
    assert state(iam) == DISABLED
    assert "python -m deploy.revoke --environment dev --user alice" in capsys.readouterr().out
    assert run(iam, "--apply", "--record", "two.json") == 0
    assert state(iam) == DISABLED
    assert run(iam, "--undo", "--record", "one.json") == 0
    assert state(iam) == DISABLED
    assert run(iam, "--undo", "--record", "one.json", "--apply") == 0
    # The key that was off before stays off, and nobody can bring a password back.
    assert state(iam) == (["Active", "Inactive"], False, False)
    assert "create-login-profile" in capsys.readouterr().out


def test_no_record_is_overwritten_and_nothing_is_undone_by_another(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("one.json").write_text("{}")
    assert run(iam, "--apply", "--record", "one.json") == 2
    assert state(iam) == BEFORE
    assert run(iam, "--undo", "--apply", "--record", "one.json") == 2
    assert run(iam, "--undo", "--apply") == 2
    record = {"user": "bob", "active": [], "login": False, "denied": False}
    Path("bob.json").write_text(json.dumps(record))
    assert run(iam, "--undo", "--apply", "--record", "bob.json") == 2
    assert "is about bob" in capsys.readouterr().err
    assert state(iam) == BEFORE


def test_one_step_that_is_refused_stops_no_other(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    iam_backends["123456789012"]["aws"].managed_policies.clear()
    assert run(iam, "--apply") == 2
    assert state(iam) == (["Inactive", "Inactive"], False, False)
    assert "deny alice everything" in capsys.readouterr().err


def test_a_slip_in_the_name_or_the_environment_is_told(
    iam: IAMClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"iam": iam}.__getitem__
    assert command.main(["--environment", "dev", "--user", "alcie"], clients=made) == 2
    assert "there is no IAM user alcie" in capsys.readouterr().err
    assert command.main(["--environment", "dev"], clients=made) == 2
    monkeypatch.setattr(command, "find_environment", lambda _name: DEV)
    assert command.main(ALICE, clients=made) == 2
    assert "come by a SamlProvider: disable them there" in capsys.readouterr().err


def test_its_permission_is_what_it_calls_and_iam_knows_each_word(
    iam: IAMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    called = taken(iam)
    assert run(iam, "--apply", "--record", "one.json") == 0
    assert run(iam, "--undo", "--apply", "--record", "one.json") == 0
    capsys.readouterr()
    assert run(iam, "--permission") == 0
    printed: Any = json.loads(capsys.readouterr().out)
    assert printed == disabler_document(DEV.account, "/analysts/")
    assert actions(printed, "iam") == called
    assert list(complaints(Policy.parse("disabler", printed))) == []
    for statement in printed["Statement"]:
        assert statement["Resource"] == [f"arn:aws:iam::{DEV.account}:user/analysts/*"]

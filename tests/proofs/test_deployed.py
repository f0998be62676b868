"""What stands is told apart from what should: statements, grants, queues, permission sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from starburst.controller.workers.queue import policy as session_queue_policy
from starburst.local.emulator import STATE_VARIABLE
from starburst_assurance.proofs import entry
from starburst_assurance.proofs.deployed.grants import with_grants
from starburst_assurance.proofs.deployed.reading.account import Account, Grant, Principal
from starburst_assurance.proofs.deployed.reading.signing_in import sign_in
from starburst_assurance.proofs.deployed.session_queues import session_queues
from starburst_assurance.proofs.deployed.standing import permission_set_role
from starburst_assurance.proofs.deployed.statements import alike, differing
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Role
from starburst_constructs.identity.identity_center import permission_set_name
from tests.quick_moto import quick_aws

ACCOUNT = "111122223333"
READING: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": ACCOUNT},
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}},
}
TEAMS = ["b", "a"]
DENYING: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}


def policy(*statements: Mapping[str, Any]) -> Policy:
    return Policy.parse("p", {"Version": "2012-10-17", "Statement": [*statements]})


@pytest.mark.parametrize(
    "standing",
    [
        [DENYING, READING],
        [READING, DENYING, DENYING],
        [{**READING, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, DENYING],
        [
            {**READING, "Action": "s3:getobject", "Sid": "One"},
            {**READING, "Action": ["s3:ListBucket"], "Sid": "Two"},
            {**DENYING, "Principal": {"AWS": "*"}},
        ],
        [
            {**READING, "Condition": {"StringEquals": {"AWS:PrincipalTag/team": ["b", "a"]}}},
            DENYING,
        ],
    ],
)
def test_the_same_in_other_words_is_no_difference(standing: list[dict[str, Any]]) -> None:
    assert alike(policy(READING, DENYING), policy(*standing))
    assert list(differing(policy(READING, DENYING), policy(*standing))) == []


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ([READING], "it lacks the statement that denies s3:* to everybody"),
        (
            [READING, DENYING, {**DENYING, "Action": "sqs:*"}],
            "it has a statement that no template has: denies sqs:* to everybody",
        ),
        (
            [{**READING, "Action": ["s3:GetObject", "s3:PutObject"]}, DENYING],
            "statement Read differs: its actions have gained s3:PutObject; "
            "its actions have lost s3:ListBucket",
        ),
        (
            [{**READING, "Effect": "Deny"}, DENYING],
            "statement Read differs: it denies s3:GetObject, s3:ListBucket on arn:aws:s3:::b, "
            f"arn:aws:s3:::b/* to {ACCOUNT} where aws:PrincipalTag/team StringEquals a, b instead",
        ),
        (
            [{**READING, "Condition": {}}, DENYING],
            "statement Read differs: its conditions have lost aws:PrincipalTag/team "
            "StringEquals a, b",
        ),
        ([], "it is gone, and with it 2 statements"),
    ],
)
def test_a_difference_says_which_statement_and_what(
    standing: list[dict[str, Any]], said: str
) -> None:
    assert list(differing(policy(READING, DENYING), policy(*standing))) == [said]


def test_a_grant_counts_as_a_statement_and_a_services_does_not() -> None:
    own = {"Statement": DENYING}
    mine = Grant(
        identifier="0123456789",
        grantee=f"arn:aws:iam::{ACCOUNT}:role/reader",
        operations=("Decrypt",),
        context={"workspace": "demo"},
    )
    theirs = Grant(identifier="1", grantee="ecr.eu-west-1.amazonaws.com", operations=("Decrypt",))
    first, second = Policy.parse("k", with_grants(own, [mine, theirs])).statements
    assert first == policy(DENYING).statements[0]
    assert second.actions == ("kms:Decrypt",)
    assert {(one.key, one.values) for one in second.conditions} == {
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:role/reader",)),
        ("kms:EncryptionContext:workspace", ("demo",)),
    }


def test_the_queue_of_a_session_is_compared_whoevers_it_is(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    known = policy_sets["local"]
    arn = f"arn:aws:sqs:{known.region}:{known.account}:starburst-local-demo-{'a' * 20}"
    made = session_queue_policy(
        queue_arn=arn,
        user="alice",
        worker_role_arn=known.role("worker", "demo").arn,
        controller_role_arn=known.role("controller").arn,
    )
    other = {**made, "Statement": made["Statement"][1:]}
    expected = known.policies["session queue of demo"]
    for document, differs in ((made, False), (other, True)):
        sent = json.loads(json.dumps(document))
        account = Account(physical={}, queues={arn: sent, f"{arn}-theirs": sent})
        [(found, (workspace, opened))] = session_queues(known, account)
        assert (found, workspace) == (arn, "demo")
        assert opened is not None
        assert bool(list(differing(expected, Policy.parse("q", opened)))) is differs


def test_a_permission_set_is_read_as_the_role_that_it_is() -> None:
    role = Role(
        arn=f"arn:aws:iam::{ACCOUNT}:role/starburst-prod-analyst-genomics",
        tags={"starburst:role": "analyst", "starburst-workspace": "genomics"},
        trust="t",
        policies=(),
        boundary=None,
    )
    known = PolicySet(
        name="prod",
        account=ACCOUNT,
        region="eu-west-1",
        regions=("eu-west-1",),
        policies={},
        roles=(role,),
        guarded=(),
        endpoints=(),
    )
    name = f"AWSReservedSSO_{permission_set_name('prod', 'analyst', 'genomics')}_{'0' * 16}"
    real = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{name}"
    fake = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    people = {arn: Principal(arn=arn, kind="role") for arn in (fake, real)}
    found = permission_set_role(known, Account(physical={}, principals=people), role.arn)
    assert found is not None
    assert found.arn == real
    alone = Account(physical={}, principals={fake: people[fake]})
    assert permission_set_role(known, alone, role.arn) is None


def test_another_accounts_credentials_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with quick_aws(), pytest.raises(ProofError, match="prod is in 222233334444; nothing was read"):
        sign_in("prod", account="222233334444", region="eu-west-1")


def test_the_local_environment_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    with pytest.raises(ProofError, match=STATE_VARIABLE):
        sign_in("local", account=ACCOUNT, region="eu-west-1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--deployed"], "name one environment"),
        (["--deployed", "--environment", "dev", "--environment", "prod"], "name one environment"),
    ],
)
def test_one_account_is_read_at_a_time(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(words) == 2
    assert said in capsys.readouterr().err


def test_what_is_known_belongs_to_what_is_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        entry.main(["--known", "known.txt"])
    assert "--known goes with --deployed" in capsys.readouterr().err

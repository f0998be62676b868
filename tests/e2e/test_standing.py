"""``starburst-prove --deployed``: what stands is proved, and every edit by hand is named."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.tools.local import Deployment
from environments import LOCAL
from starburst.local import LocalEnvironment
from starburst_assurance.proofs.deployed import run
from starburst_assurance.proofs.deployed.differences import differences
from starburst_assurance.proofs.deployed.others import others
from starburst_assurance.proofs.deployed.reading.account import Account
from starburst_assurance.proofs.deployed.reading.asking import Asking, Clients
from starburst_assurance.proofs.deployed.reading.signing_in import sign_in
from starburst_assurance.proofs.deployed.reading.survey import PARTS
from starburst_assurance.proofs.deployed.run import Deployed, judged, outside, read
from starburst_assurance.proofs.theorems import theorems_in
from tests.e2e.edits_of_resources import RESOURCES
from tests.e2e.edits_of_roles import ROLES
from tests.e2e.expecting import expected_of
from tests.e2e.hands import Hands
from tests.e2e.hands_on_resources import bucket
from tests.some import some

EDITS = {**ROLES, **RESOURCES}
THEOREMS = {theorem.name: theorem for theorem in theorems_in([])}


@dataclass(kw_only=True)
class Standing:
    """The environment as it stood when it was read, and who reads it again."""

    assembly: Path
    clients: Clients
    deployed: Deployed
    hands: Hands

    def now(self, *parts: str) -> Deployed:
        """Read some services once more."""
        asking = Asking(clients=self.clients)
        found: dict[str, Any] = {}
        for part in parts:
            found |= PARTS[part](asking, self.deployed.layout)
        unread = tuple(asking.unread)
        return replace(
            self.deployed, account=replace(self.deployed.account, **found, unread=unread)
        )


def told(deployed: Deployed) -> list[str]:
    standing = deployed.standing()
    found = differences(deployed.expected, standing, deployed.account, deployed.layout)
    return list(map(str, found))


def beside(deployed: Deployed) -> list[str]:
    standing = deployed.standing()
    return list(outside(deployed, list(others(standing.policy_set, deployed.account))))


@pytest.fixture(scope="module")
def standing(deployment: Deployment) -> Iterator[Standing]:
    local = deployment.local
    session, made = local.root_session(), dict[str, Any]()

    def clients(service: str) -> Any:
        return made.setdefault(service, local.client(session, service))

    assembly = deployment.outdir
    found = read(assembly, "local", clients, expect=expected_of(assembly))
    expected = found.expected
    there = Standing(
        assembly=assembly,
        clients=clients,
        deployed=found,
        hands=Hands(
            client=clients,
            named=expected.named,
            managed={name: arn for name, arn in expected.called.items() if ":policy/" in arn},
            endpoint=next(one.identifier for one in expected.endpoints if one.service == "s3"),
            vpc=expected.vpc,
        ),
    )
    yield there
    assert told(there.now(*PARTS)) == [], "an edit was not undone"


Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run the command on what was read already: its exit code, and what it prints as one line."""

    def ran(deployed: Deployed, *, only: str = "", known: Path | None = None) -> tuple[int, str]:
        chosen = [theorem for name, theorem in THEOREMS.items() if only in name]
        monkeypatch.setattr(run, "gathered", lambda _options: (deployed, chosen))
        code = run.run(argparse.Namespace(known=known))
        return code, re.sub(r"\s+", " ", capsys.readouterr().out)

    return ran


def alone(deployed: Deployed, *others_too: str) -> Deployed:
    """Return an environment in an account with few others: each of them is asked about."""
    ours = {role.arn for role in deployed.expected.roles}
    few = {
        arn: one
        for arn, one in deployed.account.principals.items()
        if arn in ours or one.name in others_too
    }
    return replace(deployed, account=replace(deployed.account, principals=few))


def test_what_was_deployed_is_what_synthesis_says_and_all_of_it_is_proved(
    standing: Standing, said: Said
) -> None:
    assert told(standing.deployed) == []
    assert standing.deployed.account.unread == ()
    code, out = said(standing.deployed)
    assert code == 0
    assert "refuted" not in out
    assert "Stands otherwise" not in out
    assert "starburst-login-broker could become role starburst-local-analyst-demo" in out


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_is_named(name: str, standing: Standing) -> None:
    edit = EDITS[name]
    with edit.doing(standing.hands):
        edited = standing.now(edit.part)
    said = _beside(standing, edited) if edit.outside else told(edited)
    for words in some(edit.says):
        assert any(words.casefold() in one.casefold() for one in said), said
    assert all(one.endswith(".") for one in said)
    if edit.refutes:
        [verdict] = judged(edited.standing(), [THEOREMS[edit.refutes]])
        assert not verdict.holds
        assert verdict.counterexample is not None or verdict.answer == "vacuous"


def _beside(standing: Standing, edited: Deployed) -> list[str]:
    """Return what is new beside the code; others that were there before are not asked again."""
    before = standing.deployed.account.principals
    new = {arn: one for arn, one in edited.account.principals.items() if arn not in before}
    return beside(replace(edited, account=replace(edited.account, principals=new)))


def test_at_least_fifty_edits_are_tried_and_most_break_a_theorem() -> None:
    assert len(EDITS) >= 50
    assert len({edit.part for edit in EDITS.values()}) >= 9
    assert sum(bool(edit.refutes) for edit in EDITS.values()) >= 35


def _in_other_words(policy: dict[str, Any]) -> None:
    policy["Statement"].reverse()
    for one in policy["Statement"]:
        one.pop("Sid", None)
        if isinstance(action := one.get("Action"), str):
            one["Action"] = [action, action.upper().replace("S3:", "s3:")]


def test_the_same_in_other_words_is_silence(standing: Standing) -> None:
    with bucket(_in_other_words)(standing.hands):
        assert told(standing.now("s3")) == []


@dataclass(frozen=True)
class Refusing:
    """A client that AWS refuses one operation."""

    client: Any
    operation: str

    def __getattr__(self, name: str) -> Any:
        if name == self.operation:
            return self._refuse
        return getattr(self.client, name)

    def _refuse(self, **_given: Any) -> Any:
        answer = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
        raise ClientError(answer, self.operation)  # type: ignore[arg-type]

    def get_paginator(self, name: str) -> Any:
        return self if name == self.operation else self.client.get_paginator(name)

    def paginate(self, **_given: Any) -> Any:
        return self._refuse()


def refused(standing: Standing, service: str, operation: str) -> Account:
    def clients(name: str) -> Any:
        made = standing.clients(name)
        return Refusing(made, operation) if name == service else made

    asking = Asking(clients=clients)
    found = PARTS[service](asking, standing.deployed.layout)
    return replace(standing.deployed.account, **found, unread=tuple(asking.unread))


@pytest.mark.parametrize(
    ("call", "operation", "rests"),
    [
        ("s3:GetBucketPolicy", "get_bucket_policy", "own_objects_only"),
        ("kms:ListGrants", "list_grants", "own_keys_only"),
        ("lambda:GetPolicy", "get_policy", "nobody_from_outside"),
        ("ec2:DescribeVpcEndpoints", "describe_vpc_endpoints", "endpoint"),
        ("s3:GetBucketAcl", "get_bucket_acl", ""),
    ],
)
def test_what_aws_refuses_to_tell_is_said_and_never_proved(
    call: str,
    operation: str,
    rests: str,
    standing: Standing,
    said: Said,
) -> None:
    account = refused(standing, call.partition(":")[0], operation)
    deployed = alone(replace(standing.deployed, account=account))
    assert told(deployed) == []
    code, out = said(deployed, only=rests or "own_queue_only")
    assert code == 2
    assert f"{call} of" in out
    assert "was not answered (AccessDenied: not authorized)" in out
    if rests:
        assert "unknown" in out


def test_an_account_that_does_not_say_who_is_in_it_proves_nothing(
    standing: Standing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def clients(name: str) -> Any:
        made = standing.clients(name)
        return Refusing(made, "get_account_authorization_details") if name == "iam" else made

    def gathered(_options: argparse.Namespace) -> Any:
        return read(standing.assembly, "local", clients, expect=expected_of(standing.assembly))

    monkeypatch.setattr(run, "gathered", gathered)
    assert run.run(argparse.Namespace(known=None)) == 2
    said = capsys.readouterr()
    assert "iam:GetAccountAuthorizationDetails of the account was not answered" in said.err
    assert "proved" not in said.out


def test_what_is_known_is_kept_in_a_file_and_what_changes_is_told(
    standing: Standing, said: Said, tmp_path: Path
) -> None:
    known = tmp_path / "known.txt"
    deployed = alone(standing.deployed, "starburst-login-broker")
    known.write_text("# ours\n" + "".join(f"- {one}\n" for one in beside(deployed)))
    one = "names_are_plain_words"
    assert said(deployed, only=one, known=known)[0] == 0
    with known.open("a") as more:
        more.write("Role arn:aws:iam::111122223333:role/gone could read objects of nothing.\n")
    with EDITS["another identity provider's metadata"].doing(standing.hands):
        edited = standing.now("iam")
    code, out = said(alone(edited, "starburst-login-broker"), only=one, known=known)
    assert code == 1
    assert "New: Identity provider arn:aws:iam::111122223333:saml-provider/company has" in out
    assert "No longer so: Role arn:aws:iam::111122223333:role/gone" in out


def test_names_from_the_account_cannot_write_to_the_terminal(
    standing: Standing, said: Said
) -> None:
    account = standing.deployed.account
    arn = next(arn for arn in account.principals if arn.endswith("analyst-demo"))
    role = account.principals[arn]
    named = replace(role, tags={**role.tags, "team": "\x1b[31mred\nproved"})
    there = replace(account, principals={**account.principals, arn: named})
    deployed = alone(replace(standing.deployed, account=there))
    code, out = said(deployed, only="names_are_plain_words")
    assert code == 1
    assert "\x1b" not in out


def test_the_local_environment_is_read_by_its_own_credentials(
    local_environment: LocalEnvironment,
) -> None:
    clients = sign_in("local", account=LOCAL.account, region=LOCAL.region)
    assert clients("sts").get_caller_identity()["Account"] == LOCAL.account

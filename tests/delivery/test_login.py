"""Nobody but one repository's own job takes a role: each loose trust is refuted by an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from environments import DEV
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.errors import UnsupportedError
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Role
from starburst_assurance.proofs.solving.prove import prove
from tests.delivery.scene import DELIVERY, GITHUB, PROVIDER

HOST = "token.actions.githubusercontent.com"
[THEOREM] = [one for one in DELIVERY.theorems() if one.name == "only_our_workflow_deploys"]
SUBJECT = "repo:example@12/environments@34:environment:prod"
CLAIMS = {
    f"{HOST}:aud": "sts.amazonaws.com",
    f"{HOST}:environment": "prod",
    f"{HOST}:ref": "refs/heads/main",
    f"{HOST}:repository_id": "34",
    f"{HOST}:sub": SUBJECT,
}


def trusting(conditions: Mapping[str, Mapping[str, Any]], **statement: Any) -> PolicySet:
    """A policy set of one role that trusts so."""
    document = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": PROVIDER},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": conditions,
                **statement,
            }
        ]
    }
    role = Role(
        arn=f"arn:aws:iam::{DEV.account}:role/starburst-dev-delivery-github-prod",
        tags={"starburst:role": "delivery-github-prod"},
        trust="trust",
        policies=(),
        boundary=None,
    )
    return PolicySet(
        name="dev",
        account=DEV.account,
        region=DEV.region,
        regions=(DEV.region,),
        roles=(role,),
        guarded=(),
        endpoints=(),
        policies={"trust": Policy.parse("trust", document)},
        named={},
        vpc="",
    )


def without(*names: str) -> dict[str, str]:
    return {key: value for key, value in CLAIMS.items() if key.partition(":")[2] not in names}


def like(**patterns: str) -> dict[str, dict[str, Any]]:
    """A trust that compares some claims by patterns."""
    loose = {f"{HOST}:{name}": pattern for name, pattern in patterns.items()}
    return {"StringEquals": without(*patterns), "StringLike": loose}


def test_the_trust_as_it_is_lets_its_own_job_in_and_nobody_else() -> None:
    assert prove(THEOREM, trusting({"StringEquals": CLAIMS})).answer == "proved"


LOOSE: Mapping[str, Callable[[], PolicySet]] = {
    "no audience": lambda: trusting({"StringEquals": without("aud")}),
    "no subject": lambda: trusting({"StringEquals": without("sub")}),
    "no branch": lambda: trusting({"StringEquals": without("ref")}),
    "no number": lambda: trusting({"StringEquals": without("repository_id")}),
    "no environment": lambda: trusting({"StringEquals": without("environment")}),
    "any subject of the repository": lambda: trusting(
        like(sub="repo:example@12/environments@34:*")
    ),
    "any repository of the owner": lambda: trusting(like(sub="repo:example@12/*")),
    "any environment": lambda: trusting(like(sub="repo:example@12/environments@34:environment:*")),
    "a question mark": lambda: trusting(like(sub=SUBJECT.replace("prod", "pro?"))),
    "any branch": lambda: trusting(like(ref="refs/heads/*")),
    "any number that begins so": lambda: trusting(like(repository_id="34*")),
    "a subject by branch": lambda: trusting(
        {
            "StringEquals": CLAIMS
            | {f"{HOST}:sub": "repo:example@12/environments@34:ref:refs/heads/main"}
        }
    ),
    "a subject in other letters": lambda: trusting(
        {"StringEquals": CLAIMS | {f"{HOST}:sub": SUBJECT.replace("example", "Example")}}
    ),
    "where there is one": lambda: trusting({"StringEqualsIfExists": CLAIMS}),
    "one repository more": lambda: trusting(
        {"StringEquals": CLAIMS | {f"{HOST}:repository_id": ["34", "35"]}}
    ),
    "another provider": lambda: trusting(
        {"StringEquals": CLAIMS},
        Principal={"Federated": [PROVIDER, PROVIDER.replace("token.actions", "other")]},
    ),
    "whoever asks": lambda: trusting({}, Principal="*", Action="sts:AssumeRole"),
}
"""Each trust that people write, and that lets somebody else in or our own job out."""


@pytest.mark.parametrize("loose", LOOSE)
def test_a_loose_trust_is_refuted_by_an_example(loose: str) -> None:
    verdict = prove(THEOREM, LOOSE[loose]())
    assert verdict.answer == "refuted", loose
    assert verdict.counterexample is not None
    assert "sts:AssumeRole" in str(verdict.counterexample)


def test_a_trust_that_compares_without_letters_is_not_read_as_proved() -> None:
    lax = {"StringEquals": without("sub"), "StringEqualsIgnoreCase": {f"{HOST}:sub": SUBJECT}}
    with pytest.raises(UnsupportedError, match="StringEqualsIgnoreCase"):
        prove(THEOREM, trusting(lax))


def test_the_example_of_a_forks_pull_request_can_be_read() -> None:
    """Without the branch, a job of a pull request that names the environment would do."""
    example = str(prove(THEOREM, trusting({"StringEquals": without("ref")})).counterexample)
    assert "starburst-dev-delivery-github-prod" in example
    assert SUBJECT in example


def test_a_claim_that_sts_does_not_compare_is_no_word() -> None:
    """An owner's number is in the token, and in no trust: the condition would never hold."""
    policy = trusting({"StringEquals": {f"{HOST}:repository_owner_id": "12"}}).policies["trust"]
    assert any("repository_owner_id" in one for one in complaints(policy))
    known = trusting({"StringEquals": CLAIMS}).policies["trust"]
    assert list(complaints(known)) == []


def test_a_claim_is_of_the_login_alone() -> None:
    document = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "*",
                "Condition": {"StringEquals": {f"{HOST}:sub": SUBJECT}},
            }
        ]
    }
    assert any("no request for" in one for one in complaints(Policy.parse("p", document)))


def test_names_that_were_given_up_are_another_repository() -> None:
    """Whoever takes the old name has another number, in the subject and beside it."""
    reborn = replace(GITHUB, repository_id="99")
    theirs = replace(DELIVERY, github=reborn).theorems()[0]
    assert prove(theirs, trusting({"StringEquals": CLAIMS})).answer == "refuted"

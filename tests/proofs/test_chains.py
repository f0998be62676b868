"""A chain that leads further than it should is named, with every role on its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import actions
from starburst_assurance.proofs.reading.policies import EVERYTHING, Policy, PolicySet
from starburst_assurance.proofs.solving.prove import Verdict
from starburst_assurance.proofs.solving.prove import prove as prove_one
from starburst_assurance.proofs.theorems.identities import chains, parties, reaching

LOGIC = Logic()
PLACE = "222233334444-eu-west-1"
HERE = "arn:aws:iam::222233334444:role"
DEPLOY, EXECUTION, FILES, LOOKUP = (
    f"cdk-hnb659fds-{job}-role-{PLACE}"
    for job in ("deploy", "cfn-exec", "file-publishing", "lookup")
)
PLATFORM, WORKER, ANALYST, CONTROLLER = (
    f"starburst-prod-{name}"
    for name in ("platform", "worker-genomics", "analyst-genomics", "controller")
)
Document = Mapping[str, Any]


def prove(policy_set: PolicySet) -> Verdict:
    return prove_one(chains.no_chain_leads_beyond_the_duty, policy_set, logic=LOGIC)


def refuted(policy_set: PolicySet) -> str:
    """The chain in one sentence, of a set in which there is one too many."""
    verdict = prove(policy_set)
    assert verdict.answer == "refuted"
    assert verdict.counterexample is not None
    return verdict.counterexample.about


def allow(action: str | Sequence[str], *resources: str, **more: Any) -> Document:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*", **more}


def wider(policy_set: PolicySet, name: str, *statements: Document) -> PolicySet:
    """The same set with more in one policy."""
    policy = policy_set.policies[name]
    more = Policy.parse("more", {"Version": "2012-10-17", "Statement": list(statements)})
    return policy_set.with_policy(
        replace(policy, statements=(*policy.statements, *more.statements))
    )


def with_role(policy_set: PolicySet, name: str, *statements: Document) -> PolicySet:
    [role] = [one for one in policy_set.roles if one.name == name]
    return wider(policy_set, role.policies[0], *statements)


def trusting(policy_set: PolicySet, name: str, principal: Any) -> PolicySet:
    [role] = [one for one in policy_set.roles if one.name == name]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return wider(policy_set, role.trust, trust)


@pytest.fixture
def prod(policy_sets: Mapping[str, PolicySet]) -> PolicySet:
    return policy_sets["prod"]


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a role of the bootstrap more, or its documents another form."""

    def change(job: str, *statements: Document) -> None:
        real = parties.toolkit_roles

        def made(deployer: Any) -> Any:
            more = {"Version": "2012-10-17", "Statement": list(statements)}
            return tuple(
                replace(one, policies=(*one.policies, more)) if one.job == job else one
                for one in real(deployer)
            )

        monkeypatch.setattr(parties, "toolkit_roles", made)

    return change


def test_no_chain_leads_further_and_it_is_known_soon(prod: PolicySet) -> None:
    verdict = prove(prod)
    assert verdict.answer == "proved"
    assert verdict.claims > 30


def test_a_role_that_trusts_one_more_is_named(prod: PolicySet) -> None:
    assert refuted(trusting(prod, ANALYST, {"AWS": f"{HERE}/{FILES}"})) == (
        f"{PLATFORM} becomes {FILES}, which becomes {ANALYST}"
    )
    another = trusting(prod, WORKER, {"AWS": "arn:aws:iam::444455556666:root"})
    assert refuted(another) == f"somebody of another account becomes {WORKER}"
    federated = trusting(prod, WORKER, {"Federated": f"{HERE[:-4]}saml-provider/company"})
    assert refuted(federated) == f"somebody of an identity provider becomes {WORKER}"
    anybody = trusting(prod, CONTROLLER, {"AWS": "222233334444"})
    assert refuted(anybody) == f"somebody else of the account becomes {CONTROLLER}"


def test_a_boundary_stops_what_a_trust_alone_would_let(prod: PolicySet) -> None:
    """The kit's roles take only roles of a bootstrap, whoever trusts them."""
    trusted = trusting(prod, ANALYST, {"AWS": f"{HERE}/{WORKER}"})
    assert prove(trusted).holds
    [role] = [one for one in prod.roles if one.name == WORKER]
    wide = trusted.with_policy(replace(EVERYTHING, name=str(role.boundary)))
    assert refuted(wide) == (
        f"{CONTROLLER} passes {WORKER} to a service that takes it, which becomes {ANALYST}"
    )


def test_a_role_that_is_passed_once_more_is_named(prod: PolicySet) -> None:
    more = with_role(prod, PLATFORM, allow("iam:PassRole", f"{HERE}/{WORKER}"))
    assert refuted(more) == f"{PLATFORM} passes {WORKER} to a service that takes it"
    # Nobody takes it there: a role that only people take runs nothing.
    assert prove(with_role(prod, PLATFORM, allow("iam:PassRole", f"{HERE}/{ANALYST}"))).holds


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["lambda:UpdateFunctionCode"], "changes what runs as a role"),
        (["ecs:RegisterTaskDefinition"], "changes what runs as a role"),
        (["ecs:RegisterTaskDefinition", "iam:PassRole"], None),
        (["iam:UpdateAssumeRolePolicy"], "changes what a role may do"),
        (["iam:CreatePolicyVersion"], "changes what a role may do"),
        (["iam:CreateAccessKey"], "makes somebody new"),
        (["iam:CreateSAMLProvider"], "makes somebody new"),
        (["iam:CreateRole"], "makes somebody new"),
        (["sts:AssumeRole"], None),
    ],
    ids=str,
)
def test_what_a_deploying_role_may_more_is_named_with_who_takes_it(
    prod: PolicySet, bootstrap: Callable[..., None], more: list[str], said: str | None
) -> None:
    bootstrap("deploy", allow(more))
    about = refuted(prod)
    assert about.startswith(f"{PLATFORM} becomes {DEPLOY}, which ")
    assert said is None or about.endswith(f", which {said}")
    if more == ["sts:AssumeRole"]:
        assert about.endswith(f", which becomes {FILES}")
    if "iam:PassRole" in more:
        assert ", which passes starburst-prod-" in about


def test_what_a_wider_boundary_would_let_is_named(prod: PolicySet) -> None:
    [role] = [one for one in prod.roles if one.name == ANALYST]
    code = allow("lambda:UpdateFunctionCode")
    assert prove(with_role(prod, ANALYST, code)).holds
    wide = prod.with_policy(replace(EVERYTHING, name=str(role.boundary)))
    assert refuted(with_role(wide, ANALYST, code)) == f"{ANALYST} changes what runs as a role"


def test_a_role_of_somebody_else_is_taken_by_nobody(prod: PolicySet) -> None:
    more = with_role(prod, PLATFORM, allow("sts:AssumeRole", f"{HERE}/cdk-another-*"))
    assert refuted(more) == f"{PLATFORM} takes or passes a role that is none of ours"
    looking = with_role(prod, PLATFORM, allow("sts:AssumeRole", f"{HERE}/{LOOKUP}"))
    assert refuted(looking) == f"{PLATFORM} becomes {LOOKUP}"


@pytest.mark.parametrize(
    ("gone", "action", "said"),
    [
        ("NoRoleWithoutTheBoundary", "iam:CreateRole", "makes a role without the boundary"),
        ("NotItsOwnPower", "iam:UpdateAssumeRolePolicy", "changes what a role may do"),
        ("NoPeopleAndNoWayOut", "iam:CreateAccessKey", "makes somebody new"),
    ],
)
def test_a_role_without_the_boundary_is_named_with_the_whole_way_to_it(
    prod: PolicySet, monkeypatch: pytest.MonkeyPatch, gone: str, action: str, said: str
) -> None:
    limits, own = parties.boundary_document, parties.execution_documents

    def boundary(*given: Any) -> Any:
        made = limits(*given)
        kept = [one for one in made["Statement"] if one["Sid"] != gone]
        return {**made, "Statement": [*kept, allow("*", Sid="All")]}

    monkeypatch.setattr(parties, "boundary_document", boundary)
    monkeypatch.setattr(
        parties,
        "execution_documents",
        lambda *given: (*own(*given), {"Version": "2012-10-17", "Statement": [allow(action)]}),
    )
    about = refuted(prod)
    assert about == (
        f"{PLATFORM} becomes {DEPLOY}, which passes {EXECUTION} to a service that takes it, "
        f"which {said}"
    )


def test_a_step_that_the_tables_add_unseen_is_seen(
    prod: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {**reaching.STEPS, "worker": (("becomes", "controller"),)}
    monkeypatch.setattr(chains, "STEPS", steps)
    assert refuted(prod) == "what the known steps lead to"


def test_the_tables_name_actions_and_parties_that_exist(prod: PolicySet) -> None:
    known = {*actions()}
    for table in (reaching.BECOMING, reaching.MAKING, reaching.REWRITING, reaching.RUNNING):
        assert known.issuperset(table)
    everybody = {*(one.purpose for one in prod.roles), "endpoints", reaching.STACKS}
    everybody |= {
        f"cdk/{job}" for job in ("deploy", "file-publishing", "image-publishing", "cfn-exec")
    }
    for name, steps in reaching.STEPS.items():
        assert name in everybody
        assert everybody.issuperset(whom for _, whom in steps)
    assert reaching.STEPS.keys() == reaching.REACH.keys()

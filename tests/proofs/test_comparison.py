"""Two policy sets are compared by their requests: what widens is named, other words are not."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from starburst_assurance.proofs.comparison.changes import Change
from starburst_assurance.proofs.comparison.compare import compare
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import actions, complaints
from starburst_assurance.proofs.mutation.equivalence import changes_nothing
from starburst_assurance.proofs.mutation.mutants import Mutant, mutants
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import (
    VERSION,
    Policy,
    PolicySet,
    Role,
    Statement,
)
from tests.proofs.differential.decisions import Policies, decide
from tests.proofs.differential.statements import Asked, Caller
from tests.some import some

BUCKET = "arn:aws:s3:::b"
OWN = f"{BUCKET}/${{aws:PrincipalTag/userName}}/*"
TLS = {"Bool": {"aws:SecureTransport": "false"}}
SECOND_LOCK = "identity: statement 4: dropped"
"""What it denies, the bucket denies as well, and other buckets are not allowed."""

PROD = (
    "access/AnalystgenomicsAnalysis",
    "access/WorkergenomicsAreas",
    "endpoint s3",
    "foundation/DataKey policy",
)
"""Policies of every kind in which mistakes are made; ``make mutants`` makes all of them."""

Make = Callable[..., World]


def _allow(action: str | list[str], resource: str = OWN, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}


@pytest.fixture
def small(world: Make) -> PolicySet:
    """One role with a boundary, one bucket, one endpoint: each with something to widen."""
    made = world(
        identity=_document(
            _allow(["s3:GetObject", "s3:PutObject"]),
            _allow("s3:ListBucket", BUCKET, Condition={"StringLike": {"s3:prefix": "a/*"}}),
            _allow("kms:Decrypt", "*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            _allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
            {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*", "Condition": TLS},
        ),
        boundary=_document(
            _allow(["s3:*Object", "s3:PutObject*", "s3:ListB*", "kms:De*", "sqs:Send*"], "*")
        ),
        resource=_document(
            {"Effect": "Deny", "Principal": "*", "Condition": TLS, "Action": "*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{BUCKET}/logs/*",
                "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
            },
        ),
        endpoint=_document(_allow("s3:Put*", f"{BUCKET}/*", Principal="*")),
        trust=_document(
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
            }
        ),
    ).policy_set
    person = replace(made.roles[0], tags={"starburst:role": "analyst"})
    return replace(made, roles=(person,), named={"storage/Data": BUCKET})


def _widens(mutant: Mutant, policy_set: PolicySet) -> bool:
    """Return whether a mistake gives more than it takes, by the words of what was done."""
    if next(complaints(mutant.policy), None) is not None:
        return False
    label, _, what = mutant.what.partition(": ")
    statements = policy_set.policies[mutant.policy.name].statements
    effect = next(
        (
            one.effect
            for index, one in enumerate(statements)
            if label in (one.sid, f"statement {index}")
        ),
        "",
    )
    more = any(word in what for word in ("widened", "without its last slash", "a * after"))
    less = what.endswith("dropped")
    dropped_condition = less and any(
        f"{condition.operator} {condition.key} dropped" == what
        for one in statements
        for condition in one.conditions
    )
    if effect == "Allow":
        return (more and not what.startswith("not ")) or dropped_condition
    return effect == "Deny" and less and not dropped_condition


def test_every_widening_mutant_yields_a_request(small: PolicySet) -> None:
    logic, named = Logic(), 0
    chosen = [one for one in mutants(small) if _widens(one, small)]
    assert len(chosen) > 15
    for mutant in chosen:
        found = compare(small, small.with_policy(mutant.policy), logic=logic)
        wider = [one for one in found if one.turn == "allowed"]
        if not wider:
            harmless = str(mutant) == SECOND_LOCK
            assert harmless or changes_nothing(small, mutant.policy, logic=logic), str(mutant)
            continue
        named += 1
        assert not [one for one in found if one.turn != "allowed"], str(mutant)
        assert all(one.resource and one.because for one in some(wider)), str(mutant)
    assert named > 12


@pytest.mark.parametrize("name", PROD)
def test_what_widens_prod_is_named(policy_sets: Mapping[str, PolicySet], name: str) -> None:
    policy_set, logic = policy_sets["prod"], Logic()
    chosen = [
        one
        for one in mutants(policy_set)
        if one.policy.name == name and "widened" in one.what and _widens(one, policy_set)
    ]
    for mutant in some(chosen):
        found = compare(policy_set, policy_set.with_policy(mutant.policy), logic=logic)
        assert [one for one in found if not one.because] == [], str(mutant)
        if "allowed" in {one.turn for one in found}:
            return
    pytest.fail("each is harmless: a second lock holds")


def test_an_example_is_one_by_another_reading_of_iam(small: PolicySet) -> None:
    """Examples at the bucket are judged by the plain semantics, before and after."""
    logic, judged = Logic(), 0
    for mutant in mutants(small):
        if mutant.policy.name not in ("identity", "boundary", "resource"):
            continue
        if next(complaints(mutant.policy), None) is not None:
            continue
        after = small.with_policy(mutant.policy)
        for one in compare(small, after, logic=logic):
            if one.kind == "role" and one.place:
                judged += 1
                assert _decided(small, one) is (one.turn == "denied"), f"{mutant}: {one}"
                assert _decided(after, one) is (one.turn == "allowed"), f"{mutant}: {one}"
    assert judged > 20


def _decided(policy_set: PolicySet, change: Change) -> bool:
    role = policy_set.roles[0]
    said = {
        "aws:PrincipalArn": (role.arn,),
        "aws:PrincipalAccount": (policy_set.account,),
        "aws:PrincipalIsAWSService": ("false",),
        **change.context,
    }
    session = f"arn:aws:sts::{policy_set.account}:assumed-role/{role.name}/x"
    asked = Asked(
        caller=Caller(kind="session", account=policy_set.account, arn=role.arn, name=session),
        action=change.actions[0],
        resource=change.resource,
        owner=policy_set.account,
        keys={name.lower(): values for name, values in said.items()},
    )
    identity, boundary, resource = (
        _as_document(policy_set.policies[name]) for name in ("identity", "boundary", "resource")
    )
    policies = Policies(identity=(identity,), boundary=boundary, resource=resource)
    return decide(asked, policies) == "allowed"


def _as_document(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON says it."""
    statements: list[dict[str, Any]] = []
    for one in policy.statements:
        item: dict[str, Any] = {"Effect": one.effect}
        for name, values in (
            ("Action", one.actions),
            ("NotAction", one.not_actions),
            ("Resource", one.resources),
            ("NotResource", one.not_resources),
        ):
            if values:
                item[name] = list(values)
        if one.principals:
            principal: dict[str, list[str]] = {}
            for kind, text in one.principals:
                principal.setdefault(kind, []).append(text)
            item["Principal"] = principal
        conditions: dict[str, dict[str, list[str]]] = {}
        for condition in one.conditions:
            conditions.setdefault(condition.operator, {})[condition.key] = list(condition.values)
        if conditions:
            item["Condition"] = conditions
        statements.append(item)
    return {"Version": policy.version, "Statement": statements}


@pytest.fixture(scope="module")
def shared() -> Logic:
    """One logic for all examples of a property."""
    return Logic()


Change_ = Callable[[Sequence[Statement], st.DataObject], list[Statement]]


def _reordered(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    return list(data.draw(st.permutations(statements)))


def _repeated(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    return [*statements, data.draw(st.sampled_from(statements))]


def _renamed(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    return [replace(one, sid=f"S{index}") for index, one in enumerate(statements)]


def _split(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    found: list[Statement] = []
    for one in statements:
        by = data.draw(st.sampled_from(("actions", "resources", "")))
        parts = getattr(one, by) if by else ()
        found += [replace(one, **{by: (part,)}) for part in parts] if parts else [one]
    return found


def _expanded(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    return [replace(one, actions=tuple(_spelled(one.actions))) for one in statements]


def _spelled(patterns: Sequence[str]) -> list[str]:
    """Write each wildcard of a service as the actions that it takes."""
    found: list[str] = []
    for pattern in patterns:
        service = pattern.partition(":")[0].lower()
        if "*" not in pattern or pattern == "*":
            found.append(pattern)
            continue
        known = actions(service)
        found += [one for one in known if fnmatch.fnmatch(one.lower(), pattern.lower())]
    return found


def _other_case(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    return [
        replace(
            one,
            actions=tuple(action.upper().replace("S3:", "s3:") for action in one.actions),
            conditions=tuple(
                replace(condition, key=condition.key.lower(), values=condition.values[::-1])
                for condition in one.conditions[::-1]
            ),
        )
        for one in statements
    ]


def _shadowed(statements: Sequence[Statement], data: st.DataObject) -> list[Statement]:
    """Say a part of a statement again, under a condition more: the solver has to see it."""
    one = data.draw(st.sampled_from(statements))
    narrow = tuple(f"{text}x" for text in one.resources if text.endswith("*"))
    return [*statements, replace(one, resources=narrow or one.resources)]


REWRITINGS: tuple[Change_, ...] = (
    _reordered,
    _repeated,
    _renamed,
    _split,
    _expanded,
    _other_case,
    _shadowed,
)


@settings(
    max_examples=200,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_other_words_yield_silence(small: PolicySet, shared: Logic, data: st.DataObject) -> None:
    assert compare(small, _rewritten(small, data), logic=shared) == ()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_other_words_of_prod_yield_silence(
    policy_sets: Mapping[str, PolicySet], shared: Logic, data: st.DataObject
) -> None:
    policy_set = policy_sets["prod"]
    assert compare(policy_set, _rewritten(policy_set, data), logic=shared) == ()


def _rewritten(policy_set: PolicySet, data: st.DataObject) -> PolicySet:
    policy = policy_set.policies[data.draw(st.sampled_from(sorted(policy_set.policies)))]
    statements = list(policy.statements)
    for rewrite in data.draw(st.lists(st.sampled_from(REWRITINGS), min_size=1, max_size=3)):
        statements = rewrite(statements, data)
    return policy_set.with_policy(replace(policy, statements=tuple(statements)))


def test_nothing_changed_is_silence(policy_sets: Mapping[str, PolicySet]) -> None:
    for policy_set in some(policy_sets.values()):
        assert compare(policy_set, policy_set) == ()


def test_a_new_role_is_told_with_all_that_it_may(small: PolicySet) -> None:
    role = replace(small.roles[0], arn="arn:aws:iam::111122223333:role/second")
    found = compare(small, replace(small, roles=(*small.roles, role)))
    assert {one.name for one in found} == {"second"}
    assert {one.turn for one in found} == {"allowed"}
    told = {action for one in found if one.kind == "role" for action in one.actions}
    assert told == {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "kms:Decrypt",
        "sqs:SendMessage",
    }
    assert {one.kind for one in found} == {"role", "trust"}
    gone = compare(replace(small, roles=(*small.roles, role)), small)
    assert {one.turn for one in gone} == {"denied"}


def test_another_tag_of_a_role_is_seen_where_policies_ask_for_it(world: Make) -> None:
    asks = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    made = world(identity=_document(_allow("s3:GetObject", "*", Condition=asks))).policy_set
    before = replace(made, guarded=())
    tagged = _with(before, before.roles[0], team="red")
    found = compare(before, tagged)
    assert [(one.turn, one.actions) for one in found] == [("allowed", ("s3:GetObject",))]
    assert compare(before, _with(before, before.roles[0], cost="7")) == ()


def _with(policy_set: PolicySet, role: Role, **tags: str) -> PolicySet:
    return replace(policy_set, roles=(replace(role, tags={**role.tags, **tags}),))


def test_a_sentence_names_caller_action_resource_and_why(small: PolicySet) -> None:
    statements = small.policies["identity"].statements
    wide = replace(statements[0], actions=(*statements[0].actions, "s3:PutObjectAcl"))
    policy = replace(small.policies["identity"], statements=(wide, *statements[1:]))
    (found,) = compare(small, small.with_policy(policy))
    assert str(found).startswith(
        "tester may now s3:PutObjectAcl at storage/Data: for example s3:PutObjectAcl on "
    )
    assert "allowed by identity: statement 0" in str(found)
    assert json.loads(json.dumps(found.as_json()))["sentence"] == str(found)


def test_what_is_undecided_is_said(small: PolicySet, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "starburst_assurance.proofs.comparison.compare"
    monkeypatch.setattr(f"{where}.ask", lambda *_: ("unknown", None))
    monkeypatch.setattr(f"{where}.guess", lambda *_, **__: None)
    statements = small.policies["identity"].statements
    policy = replace(small.policies["identity"], statements=statements[1:])
    found = compare(small, small.with_policy(policy))
    assert {one.turn for one in found} == {"undecided"}
    assert "Not decided in time" in str(found[0])


def test_where_a_guess_does_not_fit_the_solver_finds_the_request(
    small: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = small.policies["identity"].statements
    policy = replace(small.policies["identity"], statements=statements[1:])
    guessed = compare(small, small.with_policy(policy))
    monkeypatch.setattr(
        "starburst_assurance.proofs.comparison.compare.guess", lambda *_, **__: None
    )
    found = compare(small, small.with_policy(policy))
    assert [(one.turn, one.actions) for one in some(found)] == [
        (one.turn, one.actions) for one in guessed
    ]
    assert [one.because for one in found] == [one.because for one in guessed]


def test_two_accounts_are_no_two_versions(small: PolicySet) -> None:
    with pytest.raises(ProofError, match="two environments"):
        compare(small, replace(small, account="444455556666"))

"""Random policies and requests: the encoding answers as IAM's rules do, told in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import applies
from starburst_assurance.proofs.encoding.logic import Formula, Logic
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.prove import decide as solve
from tests.proofs.reference import Asked, allows, decide

ROLE = "arn:aws:iam::111122223333:role/tester"
SESSION = "arn:aws:sts::111122223333:assumed-role/tester/me"
TAG = "aws:PrincipalTag/userName"
ACTIONS = ("s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "kms:Decrypt")
RESOURCES = ("arn:aws:s3:::b", "arn:aws:s3:::b/a", "arn:aws:s3:::b/al/x", "arn:aws:s3:::b/al/x/y")
NETWORKS = ("10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32")
ORDERS = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals", "NotEquals")
MOMENTS = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z")

# key: what a request may say, operators that compare such a key, what a policy may ask for.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "aws:SourceVpce": (
        ("v", "w", "vw"),
        ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
        ("v", "w", "v*", "?"),
    ),
    "s3:prefix": (
        ("", "al/", "al/x", "bo/x"),
        ("StringEquals", "StringLike"),
        ("al/", "al/*", "*", f"${{{TAG}}}/*", f"${{{TAG}}}/x"),
    ),
    "aws:SecureTransport": (("true", "false"), ("Bool",), ("true", "false")),
    "s3:TlsVersion": (
        ("1.1", "1.2", "1.3"),
        tuple(f"Numeric{one}" for one in ORDERS),
        ("1.1", "1.2", "1.3"),
    ),
    "aws:TokenIssueTime": (MOMENTS, tuple(f"Date{one}" for one in ORDERS), MOMENTS),
    "aws:SourceIp": (
        ("10.1.2.3", "10.9.9.9", "192.0.2.1", "2001:db8::1"),
        ("IpAddress", "NotIpAddress"),
        NETWORKS,
    ),
    "aws:SourceArn": (
        ("arn:aws:ecs:r:1:task/t", "arn:aws:s3:::b"),
        ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
        ("arn:aws:ecs:*:1:*", "arn:aws:s3:::b", "arn:aws:*:*:*:*"),
    ),
}
SETS = ("StringEquals", "StringLike", "StringNotEquals", "StringNotLike")


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """One operator with one key: with IfExists, with a qualifier, or Null."""
    key = draw(st.sampled_from([*KEYS, "aws:TagKeys"]))
    if draw(st.integers(0, 5)) == 0:
        return {"Null": {key: draw(st.sampled_from(("true", "false")))}}
    suffix = draw(st.sampled_from(("", "", "IfExists")))
    if key == "aws:TagKeys":
        qualifier = draw(st.sampled_from(("ForAllValues", "ForAnyValue")))
        operators, wanted = SETS, ("a", "b", "?", "b*")
        prefix = f"{qualifier}:"
    else:
        _, operators, wanted = KEYS[key]
        prefix = ""
    operator = f"{prefix}{draw(st.sampled_from(operators))}{suffix}"
    values = draw(st.lists(st.sampled_from(wanted), min_size=1, max_size=2, unique=True))
    return {operator: {key: values}}


@st.composite
def statements(draw: st.DrawFn, *, of_resource: bool = False) -> dict[str, Any]:
    """One statement; of a resource's policy where it names principals."""
    found: dict[str, Any] = {"Effect": draw(st.sampled_from(("Allow", "Allow", "Deny")))}
    actions = st.sampled_from((*ACTIONS, "s3:Get*", "s3:?utObject", "*", "S3:getobject"))
    word = draw(st.sampled_from(("Action", "Action", "Action", "NotAction")))
    found[word] = draw(st.lists(actions, min_size=1, max_size=2, unique=True))
    plain = ("arn:aws:s3:::b/*", "arn:aws:s3:::b", "*", "arn:aws:s3:::?/al/*", "arn:aws:s3:::b/a")
    word = draw(st.sampled_from(("Resource", "Resource", "NotResource")))
    own = () if word == "NotResource" else (f"arn:aws:s3:::b/${{{TAG}}}/*",)
    found[word] = draw(
        st.lists(st.sampled_from((*plain, *own)), min_size=1, max_size=2, unique=True)
    )
    for block in draw(st.lists(conditions(), max_size=2)):
        found.setdefault("Condition", {}).update(block)
    if of_resource:
        someone = ("*", ROLE, f"{ROLE}2", SESSION, "arn:aws:iam::111122223333:root", "444455556666")
        names = draw(st.lists(st.sampled_from(someone), min_size=1, max_size=2, unique=True))
        service = {"Service": "ecs-tasks.amazonaws.com"}
        principal = draw(st.sampled_from(({"AWS": names}, {"AWS": names, **service}, service)))
        word = draw(st.sampled_from(("Principal", "Principal", "Principal", "NotPrincipal")))
        found[word] = principal
    return found


def documents(*, of_resource: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    one = statements(of_resource=of_resource)
    return st.lists(one, min_size=1, max_size=3).map(lambda found: {"Statement": found})


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    keys: dict[str, tuple[str, ...]] = {}
    for key, (values, _, _) in KEYS.items():
        if draw(st.booleans()):
            keys[key] = (draw(st.sampled_from(values)),)
    tags = draw(st.lists(st.sampled_from(("a", "b", "bc")), max_size=3, unique=True))
    if tags:
        keys["aws:TagKeys"] = tuple(tags)
    if draw(st.booleans()):
        keys[TAG] = (draw(st.sampled_from(("al", "bo"))),)
    return Asked(
        role=ROLE,
        session=SESSION,
        action=draw(st.sampled_from(ACTIONS)),
        resource=draw(st.sampled_from(RESOURCES)),
        keys=keys,
    )


QUICKLY = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@given(
    asked=requests(),
    identity=documents(),
    boundary=st.none() | documents(),
    resource=st.none() | documents(of_resource=True),
    kind=st.sampled_from(("bucket", "key")),
)
@settings(max_examples=250, **QUICKLY)
def test_decisions_are_those_of_iam(  # noqa: PLR0917 - one for each kind of policy
    world: Callable[..., World],
    asked: Asked,
    identity: dict[str, Any],
    boundary: dict[str, Any] | None,
    resource: dict[str, Any] | None,
    kind: str,
) -> None:
    here = world(identity=identity, boundary=boundary, resource=resource, kind=kind)
    role = here.policy_set.roles[0]
    context = here.session(role, closed=True)
    context.put("sts:SessionArn", asked.session)
    _say(context, asked.keys)
    request = Request(context=context, action=asked.action, resource=asked.resource)
    at = here.policy_set.guarded[0] if resource is not None else None
    expected = decide(
        asked,
        identity=identity,
        boundary=boundary,
        resource=resource,
        is_key=kind == "key" and resource is not None,
    )
    assert here.allowed(role, request, at=at) is expected


@given(asked=requests(), statement=statements())
@settings(max_examples=80, **QUICKLY)
def test_the_solver_answers_as_folding_does(asked: Asked, statement: dict[str, Any]) -> None:
    """The same with everything unknown to the formula, and the request given as facts."""
    parsed = Policy.parse("p", {"Statement": statement}).statements[0]
    logic = Logic()
    context, text = Context(logic), logic.text("resource")
    # Named before any condition asks for it, so that it has room for all its values.
    context.key("aws:TagKeys", several=True)
    request = Request(context=context, action=asked.action, resource=text)
    found = applies(logic, parsed, request)
    facts: list[Formula] = [logic.same(text, asked.resource)]
    said = Context(logic, closed=True)
    _say(said, asked.keys)
    for name in {*asked.keys, *(one.name for one in context.keys.values())}:
        key = context.key(name)
        known = said.key(name).slots if name in asked.keys else ()
        for index, slot in enumerate(key.slots):
            if index >= len(known):
                facts.append(logic.no(slot.present))
                continue
            facts += [slot.present, logic.same(slot.text, known[index].text)]
            number = known[index].number
            if number == number:  # noqa: PLR0124 - NaN is not itself
                facts.append(logic.compare("Equals", slot.number, number))
    expected = allows({"Statement": {**statement, "Effect": "Allow"}}, asked)
    assert solve(logic, logic.every([*facts, found]), 20) == ("sat" if expected else "unsat")


def _say(context: Context, keys: Mapping[str, tuple[str, ...]]) -> None:
    for name, values in keys.items():
        context.put(name, *values)

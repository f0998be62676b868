"""The encoding reads policies as IAM does: each rule has a case that fits and one that does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import applies
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.request import Context, Request, number_of
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.prove import ask

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OBJECT = "arn:aws:s3:::b/k"
TESTER = "arn:aws:iam::111122223333:role/tester"
ME = "arn:aws:sts::111122223333:assumed-role/tester/me"
TAG = "aws:PrincipalTag/userName"
# The guide's own example of what a wildcard does not reach over, in an ARN operator.
FINANCE = "arn:aws:someservice:*:111122223333:finance/*"
STORE = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"


def doc(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Statement": list(statements)}


def both_ways(
    statement: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]], *, action: str, resource: str
) -> bool:
    """Decide a request by folding, and by the solver with unknowns that must equal its values."""
    parsed = Policy.parse("p", doc(statement)).statements[0]
    logic = Logic()
    context = Context(logic, closed=True)
    for name, values in keys.items():
        context.put(name, *values)
    folded = applies(logic, parsed, Request(context=context, action=action, resource=resource))

    unknown = Context(logic)
    facts = []
    for condition in parsed.conditions:
        values = keys.get(condition.key, ())
        key = unknown.key(condition.key, several=":" in condition.operator)
        for index, slot in enumerate(key.slots):
            if index < len(values):
                facts += [slot.present, logic.same(slot.text, values[index])]
                number = context.key(condition.key).slots[index].number
                if number == number:  # noqa: PLR0124 - NaN is not itself
                    facts.append(logic.compare("Equals", slot.number, number))
            else:
                facts.append(logic.no(slot.present))
    for name in set(keys) - {condition.key for condition in parsed.conditions}:
        facts += [unknown.has(name), logic.same(unknown.text(name), keys[name][0])]
    text = logic.text("resource")
    facts.append(logic.same(text, resource))
    if TAG not in keys:
        facts.append(logic.no(unknown.has(TAG)))
    solved = applies(logic, parsed, Request(context=unknown, action=action, resource=text))
    answer = ask(logic, logic.every([*facts, solved]), 10)[0]
    assert answer == ("sat" if folded is True else "unsat"), (statement, keys)
    return folded is True


CONDITIONS = [
    ({"StringEquals": {"aws:SourceVpce": "v"}}, {"aws:SourceVpce": ("v",)}, True),
    ({"StringEquals": {"aws:SourceVpce": "v"}}, {"aws:SourceVpce": ("w",)}, False),
    ({"StringEquals": {"aws:SourceVpce": "v"}}, {}, False),
    ({"StringEquals": {"aws:SourceVpce": ["v", "w"]}}, {"aws:SourceVpce": ("w",)}, True),
    ({"StringNotEquals": {"aws:SourceVpce": "v"}}, {}, True),
    ({"StringNotEquals": {"aws:SourceVpce": ["v", "w"]}}, {"aws:SourceVpce": ("w",)}, False),
    ({"StringNotEquals": {"aws:SourceVpce": ["v", "w"]}}, {"aws:SourceVpce": ("x",)}, True),
    ({"StringEqualsIfExists": {"aws:SourceVpce": "v"}}, {}, True),
    ({"StringEqualsIfExists": {"aws:SourceVpce": "v"}}, {"aws:SourceVpce": ("w",)}, False),
    ({"StringLike": {"s3:prefix": "a/*"}}, {"s3:prefix": ("a/b/c",)}, True),
    ({"StringLike": {"s3:prefix": "a/?"}}, {"s3:prefix": ("a/bc",)}, False),
    ({"StringLike": {"s3:prefix": "a/?"}}, {"s3:prefix": ("a/",)}, False),
    ({"StringEquals": {"s3:prefix": "a/*"}}, {"s3:prefix": ("a/b",)}, False),
    ({"StringNotLike": {"s3:prefix": "a/*"}}, {"s3:prefix": ("b/c",)}, True),
    ({"Null": {"s3:prefix": "true"}}, {}, True),
    ({"Null": {"s3:prefix": "true"}}, {"s3:prefix": ("",)}, False),
    ({"Null": {"s3:prefix": "false"}}, {"s3:prefix": ("a",)}, True),
    ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:SecureTransport": ("false",)}, True),
    ({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": ("true",)}, False),
    ({"BoolIfExists": {"aws:ViaAWSService": "false"}}, {}, True),
    ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, {"s3:TlsVersion": ("1.1",)}, True),
    ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, {"s3:TlsVersion": ("1.2",)}, False),
    ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, {}, False),
    ({"NumericGreaterThanEquals": {"ecs:task-cpu": "512"}}, {"ecs:task-cpu": ("512",)}, True),
    ({"NumericNotEquals": {"ecs:task-cpu": "512"}}, {"ecs:task-cpu": ("513",)}, True),
    (
        {"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}},
        {"aws:TokenIssueTime": ("2025-12-31T23:59:59Z",)},
        True,
    ),
    (
        {"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}},
        {"aws:TokenIssueTime": ("2026-01-01T00:00:00Z",)},
        False,
    ),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:SourceIp": ("10.9.8.7",)}, True),
    ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:SourceIp": ("10.9.8.7",)}, False),
    ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {}, True),
    ({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}}, {}, True),
    ({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}, {"aws:SourceIp": ("2001:db8::1",)}, True),
    ({"IpAddress": {"aws:SourceIp": "::/0"}}, {"aws:SourceIp": ("10.9.8.7",)}, False),
    (
        {"ArnNotLike": {"aws:SourceArn": "arn:*:*:*:*:*"}},
        {"aws:SourceArn": ("arn:aws:s3:::b",)},
        False,
    ),
    ({"ArnLike": {"aws:SourceArn": FINANCE}}, {"aws:SourceArn": (STORE,)}, False),
    ({"ArnNotEquals": {"aws:SourceArn": FINANCE}}, {"aws:SourceArn": (STORE,)}, True),
    ({"StringLike": {"aws:SourceArn": FINANCE}}, {"aws:SourceArn": (STORE,)}, True),
    ({"ArnLike": {"aws:SourceArn": "arn:*"}}, {"aws:SourceArn": (STORE,)}, False),
    ({"ArnLike": {"aws:SourceArn": "*"}}, {"aws:SourceArn": (STORE,)}, True),
    (
        {"Null": {"aws:TagKeys": "false"}, "ForAnyValue:StringEquals": {"aws:TagKeys": "a"}},
        {"aws:TagKeys": ("b", "a")},
        True,
    ),
    ({"DateGreaterThanEquals": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {}, False),
    ({"ForAllValues:StringNotEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ("b", "a")}, False),
    ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ("b", "a")}, True),
    ({"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": ["a"]}}, {}, True),
    ({"StringLikeIfExists": {"s3:prefix": "a/*"}}, {"s3:prefix": ("b",)}, False),
    ({"Null": {"aws:TagKeys": "false"}}, {"aws:TagKeys": ("a",)}, True),
    (
        {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:1:*"}},
        {"aws:SourceArn": ("arn:aws:ecs:r:1:t",)},
        True,
    ),
    ({"ArnNotEquals": {"aws:SourceArn": "arn:a"}}, {}, True),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ("a", "b")}, True),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ("a", "b")}, False),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {}, True),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ("b", "a")}, True),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {}, False),
    ({"StringEquals": {TAG: "a"}, "Bool": {"aws:SecureTransport": "true"}}, {TAG: ("a",)}, False),
    ({"StringLike": {"s3:prefix": f"${{{TAG}}}/*"}}, {"s3:prefix": ("al/x",), TAG: ("al",)}, True),
    ({"StringLike": {"s3:prefix": f"${{{TAG}}}/*"}}, {"s3:prefix": ("bo/x",), TAG: ("al",)}, False),
]


@pytest.mark.parametrize(("condition", "keys", "expected"), CONDITIONS, ids=str)
def test_conditions(
    condition: dict[str, Any], keys: dict[str, tuple[str, ...]], expected: bool
) -> None:
    statement = {**ALLOW, "Condition": condition}
    assert both_ways(statement, keys, action="s3:GetObject", resource=OBJECT) is expected


@pytest.mark.parametrize(
    ("change", "action", "resource", "expected"),
    [
        ({}, "s3:getobject", OBJECT, True),
        ({}, "s3:GetObject", "arn:aws:s3:::b", False),
        ({"Action": "s3:Get*"}, "s3:GetObjectAcl", OBJECT, True),
        ({"Action": None, "NotAction": "s3:Get*"}, "s3:GetObject", OBJECT, False),
        ({"Action": None, "NotAction": "iam:*"}, "s3:GetObject", OBJECT, True),
        ({"Resource": None, "NotResource": "arn:aws:s3:::b/*"}, "s3:GetObject", OBJECT, False),
        ({"Resource": None, "NotResource": "arn:aws:s3:::c/*"}, "s3:GetObject", OBJECT, True),
        ({"Resource": "arn:aws:s3:::B/*"}, "s3:GetObject", OBJECT, False),
        ({"Resource": "arn:aws:s3:::?/*"}, "s3:GetObject", OBJECT, True),
    ],
)
def test_actions_and_resources(
    change: dict[str, Any], action: str, resource: str, expected: bool
) -> None:
    statement = {key: value for key, value in {**ALLOW, **change}.items() if value is not None}
    assert both_ways(statement, {}, action=action, resource=resource) is expected


def test_a_variable_without_a_value_never_matches_a_resource() -> None:
    statement = {**ALLOW, "Resource": f"arn:aws:s3:::b/${{{TAG}}}/*"}
    assert not both_ways(statement, {}, action="s3:GetObject", resource="arn:aws:s3:::b//k")
    keys = {TAG: ("al",)}
    own, other = "arn:aws:s3:::b/al/k", "arn:aws:s3:::b/alice/k"
    assert both_ways(statement, keys, action="s3:GetObject", resource=own)
    assert not both_ways(statement, keys, action="s3:GetObject", resource=other)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda context: context.put("aws:SourceVpce", "w"), False),
        (lambda context: context.put("aws:SourceVpce"), False),
        (lambda context: context.put("aws:SourceVpc", "w"), True),
    ],
    ids=["another value", "no value", "another key"],
)
def test_what_is_said_of_a_context_later_counts(
    change: Callable[[Context], None], expected: bool
) -> None:
    """What a statement says of requests is kept, and not longer than the context stays as it is."""
    logic = Logic()
    condition = {"StringEquals": {"aws:SourceVpce": "v"}}
    statement = Policy.parse("p", doc({**ALLOW, "Condition": condition})).statements[0]
    context = Context(logic, closed=True)
    context.put("aws:SourceVpce", "v")
    request = Request(context=context, action="s3:GetObject", resource=OBJECT)
    assert applies(logic, statement, request) is True
    change(context)
    assert applies(logic, statement, request) is expected


def test_a_key_that_turns_out_to_have_several_values_is_asked_of_all_of_them() -> None:
    logic = Logic()
    condition = {"StringEquals": {"aws:SourceVpce": "v"}}
    statement = Policy.parse("p", doc({**ALLOW, "Condition": condition})).statements[0]
    context = Context(logic)
    request = Request(context=context, action="s3:GetObject", resource=OBJECT)
    of_one = logic.unknowns(applies(logic, statement, request))
    context.key("aws:SourceVpce", several=True)
    assert of_one < logic.unknowns(applies(logic, statement, request))


def test_what_another_context_says_later_counts() -> None:
    logic = Logic()
    condition = {"StringEquals": {"aws:SourceVpce": "v"}}
    statement = Policy.parse("p", doc({**ALLOW, "Condition": condition})).statements[0]
    context, other = Context(logic), Context(logic)
    context.beside(other)
    request = Request(context=context, action="s3:GetObject", resource=OBJECT)
    other.put("aws:SourceVpce", "v")
    assert applies(logic, statement, request) is True
    other.put("aws:SourceVpce", "w")
    assert applies(logic, statement, request) is False


def test_what_is_said_of_a_word_later_counts() -> None:
    """A text of which nothing was known may match; once it is a word, it cannot."""
    logic = Logic()
    text = logic.text("user")
    assert logic.like(logic.join("home/", text), "home/A-*") is not False
    logic.begin()
    assert logic.name("user", characters="a-z") == text
    assert logic.like(logic.join("home/", text), "home/A-*") is False


def test_where_aws_is_silent_both_readings_count() -> None:
    """A NotResource whose variable has no value may or may not apply: neither is relied on."""
    statement = {
        "Effect": "Deny",
        "Action": "*",
        "NotResource": f"arn:aws:s3:::b/${{{TAG}}}/*",
    }
    logic = Logic()
    parsed = Policy.parse("p", doc(statement)).statements[0]
    context = Context(logic, closed=True)
    found = applies(logic, parsed, Request(context=context, action="s3:GetObject", resource=OBJECT))
    assert ask(logic, found, 10)[0] == "sat"
    assert ask(logic, logic.no(found), 10)[0] == "sat"


def decide(world: World, action: str = "s3:GetObject", resource: str = OBJECT, **said: Any) -> bool:
    role = world.policy_set.roles[0]
    context = world.session(role, closed=True)
    context.put_all({key.replace("__", ":"): value for key, value in said.items()})
    request = Request(context=context, action=action, resource=resource)
    at = world.policy_set.guarded[0] if "resource" in world.policy_set.policies else None
    answer = world.allowed(role, request, at=at, through=world.endpoint("s3"))
    assert isinstance(answer, bool)
    return answer


def test_explicit_deny_wins(world: Callable[..., World]) -> None:
    deny = {**ALLOW, "Effect": "Deny"}
    assert decide(world(identity=doc(ALLOW)))
    assert not decide(world(identity=doc(ALLOW, deny)))
    assert not decide(world(identity=doc(ALLOW), resource=doc({**deny, "Principal": "*"})))
    assert not decide(world(identity=doc(ALLOW), boundary=doc(EVERYTHING, deny)))
    assert not decide(world(identity=doc(ALLOW), endpoint=doc(EVERYTHING, deny)))


def test_an_endpoint_lets_through_what_its_policy_allows(world: Callable[..., World]) -> None:
    narrow = {**ALLOW, "Action": "s3:PutObject"}
    assert decide(world(identity=doc(ALLOW), endpoint=doc(EVERYTHING)))
    assert not decide(world(identity=doc(ALLOW), endpoint=doc(narrow)))
    assert not decide(world(identity=doc(narrow), endpoint=doc(EVERYTHING)))


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_trust_that_denies_trusts_nobody(world: Callable[..., World], effect: str) -> None:
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}
    found = world(identity=doc(ALLOW), trust=doc(allow, {**allow, "Effect": effect}))
    [role] = found.policy_set.roles
    request = Request(
        context=found.session(role, closed=True), action="sts:AssumeRole", resource=role.arn
    )
    assert found.trusted(role, request) is (effect == "Allow")


def test_the_boundary_intersects(world: Callable[..., World]) -> None:
    narrow = {**ALLOW, "Action": "s3:PutObject"}
    assert decide(world(identity=doc(ALLOW), boundary=doc(EVERYTHING)))
    assert not decide(world(identity=doc(ALLOW), boundary=doc(narrow)))
    assert not decide(world(identity=doc(narrow), boundary=doc(EVERYTHING)))


def test_same_account_grants_are_a_union(world: Callable[..., World]) -> None:
    nothing = doc({**ALLOW, "Action": "sqs:SendMessage"})
    to_role = doc({**ALLOW, "Principal": {"AWS": TESTER}})
    to_other = doc({**ALLOW, "Principal": {"AWS": f"{TESTER}2"}})
    to_account = doc({**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}})
    assert decide(world(identity=nothing, resource=to_role))
    assert not decide(world(identity=nothing, resource=to_other))
    assert not decide(world(identity=nothing, resource=to_account)), "only delegates to IAM"


def test_a_grant_to_a_session_passes_the_boundary_by(world: Callable[..., World]) -> None:
    nothing = doc({**ALLOW, "Action": "sqs:SendMessage"})
    session = "arn:aws:sts::111122223333:assumed-role/tester/me"
    to_role = doc({**ALLOW, "Principal": {"AWS": TESTER}})
    to_session = doc({**ALLOW, "Principal": {"AWS": session}})
    bounded = {"identity": nothing, "boundary": nothing}
    assert not decide(world(**bounded, resource=to_role))
    assert decide(world(**bounded, resource=to_session), sts__SessionArn=session)
    assert not decide(world(**bounded, resource=to_session), sts__SessionArn=f"{session}2")


def test_not_principal_denies_everybody_else(world: Callable[..., World]) -> None:
    root = "arn:aws:iam::111122223333:root"
    deny = {**ALLOW, "Effect": "Deny", "NotPrincipal": {"AWS": [TESTER, root]}}
    assert decide(world(identity=doc(ALLOW), resource=doc(deny)))
    deny = {**ALLOW, "Effect": "Deny", "NotPrincipal": {"AWS": [f"{TESTER}2", "444455556666"]}}
    assert not decide(world(identity=doc(ALLOW), resource=doc(deny)))


@pytest.mark.parametrize(
    "named",
    [
        [TESTER],
        ["111122223333"],
        [f"{TESTER}2", "111122223333"],
        [TESTER, f"{ME}2", "111122223333"],
    ],
    ids=["no account", "no role", "another role", "another session"],
)
def test_half_an_exception_is_relied_on_by_nobody(
    world: Callable[..., World], named: list[str]
) -> None:
    """AWS says of such a policy that it "might deny access to the entire account"."""
    deny = {**ALLOW, "Effect": "Deny", "NotPrincipal": {"AWS": named}}
    here = world(identity=doc(ALLOW), resource=doc(deny))
    context = here.session(here.policy_set.roles[0], closed=True)
    context.put("sts:SessionArn", ME)
    request = Request(context=context, action="s3:GetObject", resource=OBJECT)
    found = here.allowed(here.policy_set.roles[0], request, at=here.policy_set.guarded[0])
    assert ask(here.logic, found, 10)[0] == "sat"
    assert ask(here.logic, here.logic.no(found), 10)[0] == "sat"


def test_a_trust_has_to_name_who_takes_a_role(world: Callable[..., World]) -> None:
    take = doc({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    asked = {"action": "sts:AssumeRole", "resource": f"{TESTER}2"}
    for named, taken in ((TESTER, True), ("111122223333", True), (f"{TESTER}3", False)):
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": named}}
        assert decide(world(identity=take, resource=doc(trust), kind="role"), **asked) is taken


def test_a_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert number_of("2026-01-01T00:00:00") == number_of("2026-01-01T00:00:00Z")
        assert number_of("2026-01-01") == number_of("1767225600")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_key_policy_has_to_delegate(world: Callable[..., World]) -> None:
    identity = doc({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"})
    root = {"AWS": "arn:aws:iam::111122223333:root"}
    delegates = doc({"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"})
    other = doc(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"{TESTER}2"},
            "Action": "kms:*",
            "Resource": "*",
        }
    )
    asked = {"action": "kms:Decrypt", "resource": "arn:aws:kms:eu-west-1:111122223333:key/k"}
    assert decide(world(identity=identity, resource=delegates, kind="key"), **asked)
    assert not decide(world(identity=identity, resource=other, kind="key"), **asked)


def test_a_service_is_not_a_person(world: Callable[..., World]) -> None:
    grant = {**ALLOW, "Principal": {"Service": "logs.amazonaws.com"}}
    here = world(identity=doc(ALLOW), resource=doc(grant))
    context = here.context(closed=True)
    context.put("aws:PrincipalServiceName", "logs.amazonaws.com")
    request = Request(context=context, action="s3:GetObject", resource=OBJECT)
    assert here.admitted(request, at=here.policy_set.guarded[0]) is False
    context.put("aws:PrincipalIsAWSService", "true")
    assert here.admitted(request, at=here.policy_set.guarded[0]) is True

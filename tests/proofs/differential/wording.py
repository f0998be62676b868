"""Which constructs of the policy language a case has, so that a test sees if one is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from tests.proofs.differential.generator import Case
from tests.proofs.differential.statements import listed
from tests.proofs.differential.universe import KEYS

__all__ = ["EXPECTED", "words_of"]

_TEXT: Final = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")

EXPECTED: Final = frozenset(
    {
        *("Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal"),
        *("Allow", "Deny", "variable", "variable with a default", "several values"),
        *(
            f"by {kind}"
            for kind in ("session", "user", "service", "federated", "nobody", "a stranger")
        ),
        *(f"on a {kind}" for kind in ("bucket", "key", "role")),
        *("boundary", "session policy", "gate", "resource policy", "several identity policies"),
        *(
            f"to {kind}"
            for kind in ("*", "account", "role", "session", "user", "Service", "Federated")
        ),
        "Null",
        *(
            f"{operator}{end}"
            for key in KEYS.values()
            if not key.several
            for operator, end in product(key.operators, ("", "IfExists"))
        ),
        *(
            f"{qualifier}:{operator}{end}"
            for qualifier, operator, end in product(
                ("ForAllValues", "ForAnyValue"), _TEXT, ("", "IfExists")
            )
        ),
    }
)
"""What the comparison has to meet often."""


def words_of(case: Case) -> Counter[str]:
    """Return how often each construct is in a case's policies."""
    return Counter(_words(case))


def _words(case: Case) -> Iterator[str]:
    policies, caller = case.policies, case.requests[0].caller
    stranger = caller.kind == "session" and caller.account != case.requests[0].owner
    yield "by a stranger" if stranger else f"by {caller.kind}"
    yield f"on a {case.kind}"
    for word, held in (
        ("boundary", policies.boundary),
        ("session policy", policies.session),
        ("gate", policies.gates),
        ("resource policy", policies.resource),
        ("several identity policies", policies.identity[1:]),
    ):
        if held:
            yield word
    for document in policies.all:
        for statement in document["Statement"]:
            yield from _of_statement(statement)


def _of_statement(statement: dict[str, Any]) -> Iterator[str]:
    yield statement["Effect"]
    yield from (word for word in statement if word[0] in "ANRP" and word != "Allow")
    blocks = statement.get("Condition", {})
    yield from blocks
    values = [
        *listed(statement.get("Resource", ())),
        *listed(statement.get("NotResource", ())),
        *(one for block in blocks.values() for held in block.values() for one in listed(held)),
    ]
    texts = [one for one in values if isinstance(one, str) and "${" in one]
    yield from ("variable with a default" if "," in one else "variable" for one in texts)
    if any(len(listed(held)) > 1 for block in blocks.values() for held in block.values()):
        yield "several values"
    for word in ("Principal", "NotPrincipal"):
        yield from _of_principal(statement.get(word, {}))


def _of_principal(element: Any) -> Iterator[str]:
    if element == "*":
        yield "to *"
        return
    for kind, texts in element.items():
        for text in listed(texts):
            if kind != "AWS":
                yield f"to {kind}"
            elif text == "*":
                yield "to *"
            elif ":assumed-role/" in text:
                yield "to session"
            elif ":role/" in text:
                yield "to role"
            elif ":user/" in text:
                yield "to user"
            else:
                yield "to account"

"""Who holds what of the totals, as data: all of it for officers, their own part for analysts. Pure.

An analyst is told what a refusal would say: the sessions of the own workspace, and one's own in
others, with their users; of other workspaces what each holds at once, and nobody in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from starburst.contract import RuntimeDocument

from .book import Book
from .freezes import frozen, frozen_words
from .grants import Grant
from .judging import Scope, Usage, totals_of

__all__ = ["told_analyst", "told_scopes", "told_session"]

_AT_ONCE: Final = ("sessions", "workers", "vcpu", "memory_gb", "usd_per_hour")
_MOST_SESSIONS: Final = 1_000
"""The largest ones; more are in no screen, and an answer is bounded."""


def told_scopes(
    scopes: Iterable[Scope], usage: Usage, document: RuntimeDocument
) -> list[dict[str, Any]]:
    """Return what each scope may use and does, but for those that are no longer there."""
    return [
        {
            "scope": scope.kind,
            "name": scope.name,
            "allowed": asdict(allowed),
            "used": asdict(usage.used(scope)),
        }
        for scope in scopes
        if (allowed := totals_of(scope, document)) is not None
    ]


def told_session(name: str, grant: Grant) -> dict[str, Any]:
    """Return what a session holds, and from when to when."""
    return {"session": name, **asdict(grant.ask), "since": grant.since, "until": grant.until}


def told_analyst(
    book: Book, document: RuntimeDocument, *, workspace: str, user: str, now: float
) -> dict[str, Any]:
    """Return who holds what of the totals that a session of this user would be counted in."""
    usage = Usage.of(book, document, now=now)
    scopes = [
        Scope("person", user),
        Scope("workspace", workspace),
        Scope("environment", document.environment),
    ]
    mine = sorted(
        (
            (name, grant)
            for name, grant in book.grants.items()
            if grant.ask.workspace == workspace or grant.ask.user == user
        ),
        key=lambda one: (-one[1].ask.workers, one[0]),
    )
    freeze = frozen(book, workspace, now=now)
    return {
        "scopes": told_scopes(scopes, usage, document),
        "sessions": [told_session(*one) for one in mine[:_MOST_SESSIONS]],
        "workspaces": [
            {"workspace": name, **{each: getattr(held, each) for each in _AT_ONCE}}
            for name in document.workspaces
            if (held := usage.used(Scope("workspace", name))).sessions
        ],
        "waiting": len(book.waiting),
        "frozen": None if freeze is None else frozen_words(freeze, now=now),
    }

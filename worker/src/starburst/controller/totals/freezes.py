"""Freezes: that no new session starts, of a workspace or of all, and who ends them. Pure."""

from __future__ import annotations

from dataclasses import replace

from .book import ALL, Book, Freeze
from .days import clock_words, month_of

__all__ = ["frozen", "frozen_words", "of_budget", "thawed", "with_freeze"]


def frozen(book: Book, workspace: str, *, now: float) -> Freeze | None:
    """Return what keeps a workspace's new sessions from starting, or None."""
    lasting = [one for one in book.freezes.values() if one.lasts(now)]
    ours = [one for one in lasting if one.workspace in (ALL, workspace)]
    # That of all says more than that of one, and one that ends sessions more than another.
    return min(ours, key=lambda one: (one.workspace != ALL, not one.end), default=None)


def frozen_words(freeze: Freeze, *, now: float) -> str:
    """Say who or what keeps new sessions from starting, since when, why, and for how long."""
    what = "of all workspaces" if freeze.workspace == ALL else f"of workspace {freeze.workspace}"
    end = (
        f"It ends at {clock_words(freeze.until, now=now)}, or when an officer thaws it"
        if freeze.until
        else "It ends when an officer thaws it"
    )
    return (
        f"no new session {what} may start: frozen by {freeze.by} since "
        f"{clock_words(freeze.since, now=now)}: {freeze.why}. {end}; ask your platform team"
    )


def with_freeze(book: Book, freeze: Freeze, *, cause: str = "") -> Book:
    """Return the book with a freeze; a new one of the same cause replaces it.

    Args:
        book: as it was.
        freeze: what is to be so.
        cause: what put it; empty for an officer, of whom each workspace has one freeze.
    """
    return replace(book, freezes={**book.freezes, cause or freeze.workspace: freeze})


def of_budget(budget: str, workspace: str, *, why: str, end: bool, now: float) -> Freeze:
    """Return the freeze of a budget that is spent; budgets begin anew with each month."""
    return Freeze(
        workspace=workspace,
        by=f"AWS budget {budget}",
        since=now,
        why=why,
        end=end,
        until=month_of(now).ends,
    )


def thawed(book: Book, workspace: str) -> Book:
    """Return the book without a workspace's freezes, whatever put them; ``*`` has its own."""
    kept = {name: one for name, one in book.freezes.items() if one.workspace != workspace}
    return replace(book, freezes=kept)

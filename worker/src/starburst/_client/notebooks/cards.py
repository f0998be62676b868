"""What a notebook shows of sessions, tasks and their progress: small cards, light and dark. Pure.

Notebooks take style sheets away, so that each thing carries its own style.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from starburst.untrusted.page_text import escaped

__all__ = ["Counts", "card", "strip", "tally_words"]

_FRAME: Final = (
    "font:13px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;max-width:640px;"
    "border:1px solid rgba(128,128,128,.35);border-radius:8px;padding:10px 14px;margin:2px 0"
)
_SOFT: Final = "opacity:.72"
_COLOURS: Final = {"ok": "#4d71d8", "bad": "#d9434e", "soft": "#8a8f99"}


class Counts(Protocol):
    """How far tasks are, as :class:`~starburst._client.tasks.task_list.Tally` tells it."""

    @property
    def total(self) -> int:
        """How many there are."""
        ...

    @property
    def done(self) -> int:
        """How many have ended."""
        ...

    @property
    def failed(self) -> int:
        """Of those, with a failure."""
        ...

    @property
    def cancelled(self) -> int:
        """Of those, cancelled."""
        ...

    @property
    def retried(self) -> int:
        """Runs beyond the first of any."""
        ...


def card(
    head: str,
    lines: Iterable[str],
    *,
    aside: str = "",
    tally: Counts | None = None,
    share: tuple[int, int] | None = None,
) -> str:
    """Return a card as HTML; all words are escaped.

    Args:
        head: what it is of.
        lines: what there is to say, each once more below the other.
        aside: a few words on the right of the head.
        tally: draws how far tasks are.
        share: draws that so many of so many are done, where no more is known.
    """
    right = f'<span style="{_SOFT}">{escaped(aside)}</span>' if aside else ""
    bar = "" if tally is None else strip(tally)
    bar = bar if share is None else _bar(*share, [("ok", share[0])])
    said = "".join(
        f'<div style="{_SOFT};overflow-wrap:anywhere">{escaped(line, most=600)}</div>'
        for line in lines
        if line
    )
    return (
        f'<div style="{_FRAME}"><div style="display:flex;justify-content:space-between;gap:16px">'
        f"<b>{escaped(head)}</b>{right}</div>{bar}{said}</div>"
    )


def strip(tally: Counts) -> str:
    """Return a bar of what is done, failed and cancelled, of all tasks."""
    good = tally.done - tally.failed - tally.cancelled
    kinds = [("ok", good), ("bad", tally.failed), ("soft", tally.cancelled)]
    return _bar(tally.done, tally.total, kinds)


def _bar(done: int, total: int, kinds: Iterable[tuple[str, int]]) -> str:
    parts = "".join(
        f'<span style="width:{100 * many / max(1, total):.2f}%;background:{_COLOURS[kind]}"></span>'
        for kind, many in kinds
        if many
    )
    return (
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="{total}" '
        f'aria-valuenow="{done}" style="display:flex;height:8px;margin:6px 0;'
        f'border-radius:4px;overflow:hidden;background:rgba(128,128,128,.25)">{parts}</div>'
    )


def tally_words(tally: Counts) -> str:
    """Say how far tasks are.

    Example:
        >>> from starburst._client.tasks.task_list import Tally
        >>> tally_words(Tally(total=1200, done=34, failed=1, retried=2))
        '34 of 1,200 tasks done, 1 failed, 2 retried'
    """
    words = [f"{tally.done:,} of {tally.total:,} task{'s' * (tally.total != 1)} done"]
    for many, said in (
        (tally.failed, "failed"),
        (tally.cancelled, "cancelled"),
        (tally.retried, "retried"),
    ):
        if many:
            words.append(f"{many:,} {said}")
    return ", ".join(words)

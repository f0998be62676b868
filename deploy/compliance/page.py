"""A record of processing as a page that people read, and as rows that programs do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from deploy.compliance.record import YOURS, Entry
from starburst_assurance.controls.spreadsheet import csv_text

__all__ = ["record_csv", "record_page"]

_HEAD: Final = ("workspace", "article", "asks", "says", "by", "controls")


def record_csv(entries: Iterable[Entry]) -> str:
    """Return the record as CSV, an entry a row, guarded against formulas."""
    return csv_text(
        _HEAD,
        (
            (each.workspace, each.article, each.asks, each.says, each.by, "; ".join(each.controls))
            for each in entries
        ),
    )


def record_page(entries: Sequence[Entry], *, environment: str, account: str) -> str:
    """Return the record as Markdown.

    Args:
        entries: of the record.
        environment: its name.
        account: where it is.
    """
    return "".join(_page(entries, environment, account))


def _page(entries: Sequence[Entry], environment: str, account: str) -> Iterator[str]:
    left = sum(each.by == YOURS for each in entries)
    yield f"# Record of processing activities: {environment}\n\n"
    yield (
        "Article 30(1) of the GDPR. Written by `python -m deploy.compliance` from its settings, "
        f"for account {account}. {left} of {len(entries)} entries are yours to write. Controls "
        "are those of docs/controls.md.\n"
    )
    for workspace, own in groupby(entries, key=lambda each: each.workspace):
        title = f"Workspace {workspace}" if workspace else "The environment"
        yield f"\n## {title}\n\n| Article | | | said by | controls |\n|---|---|---|---|---|\n"
        for each in own:
            cells = (each.article, each.asks, each.says, each.by, ", ".join(each.controls))
            yield f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    """Return text that ends no cell and is no markup."""
    for mark in ("\\", "|", "<", "[", "`", "*", "_"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())

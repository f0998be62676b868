"""The table: on the screen, and in ``results.md`` with the machine, the date and the command."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .harness import Row

__all__ = ["machine", "table", "write"]

_HEAD = ("workload", "goal", "ours", "theirs", "ratio", "goal met")
_MET = {True: "yes", False: "**no**", None: ""}


def table(rows: Iterable[Row]) -> str:
    """Return rows as a Markdown table that also reads well as text."""
    cells = [_HEAD, *((r.workload, r.goal, r.ours, r.theirs, r.ratio, _MET[r.met]) for r in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [_line(line, widths) for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f" {cell:<{width}} " for cell, width in zip(cells, widths, strict=True))
    return "|" + "|".join(padded) + "|"


def machine() -> str:
    """Return what this ran on, in a line."""
    processor = platform.processor() or platform.machine()
    memory = ""
    try:
        names = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in names if "model name" in line)
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = f", {pages / 2**30:.0f} GiB of memory"
    except (OSError, StopIteration, ValueError):
        pass  # not Linux: the name of the architecture must do
    return (
        f"{os.cpu_count()} cores of {processor}{memory}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def write(path: Path, rows: Sequence[Row], *, command: str, load: float, seconds: float) -> None:
    """Write the results file.

    Args:
        path: where.
        rows: what was measured.
        command: that measured it.
        load: the machine's load average at the start; near 0 on a quiet machine.
        seconds: that it took.
    """
    missed = [row for row in rows if row.met is False]
    verdict = f"{len(missed)} missed" if missed else "all met"
    judged = sum(row.met is not None for row in rows)
    path.write_text(
        "# Results\n\n"
        f"`{command}` wrote this file on {time.strftime('%Y-%m-%d', time.gmtime())}, "
        f"in {seconds / 60:.0f} minutes: {judged} goals, {verdict}.\n\n"
        f"{machine()}; load average at the start {load:.1f}. The emulator, which stands in for "
        "AWS, has the same cores.\nOnly the ratios travel to another machine. "
        "[README](README.md) says what each line means and why a goal is missed.\n\n"
        f"{table(rows)}\n"
    )

"""Which modules are mutated, and which test files are to notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = ["TABLE", "Subject", "subjects"]

_RUNTIME: Final = "worker/src/starburst"
_WORKER: Final = (
    "tests/runtime/worker/**/test_*.py",
    "tests/nemesis/test_client.py",
    "tests/attacks/test_tampering.py",
    "tests/contract/test_times.py",
)
_ENDING: Final = (
    "tests/runtime/worker/virtual/test_self_end.py",
    "tests/runtime/worker/test_starting.py",
)
_CLIENT: Final = ("tests/runtime/client/**/test_*.py", "tests/runtime/worker/**/test_cancel*.py")
_BOTH: Final = ("tests/runtime/**/test_*.py", "tests/protocol/**/test_*.py")
_CONTROLLER: Final = ("tests/controller/**/test_*.py",)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A module that is mutated.

    Attributes:
        module: its path.
        tests: patterns of the test files that are to notice.
        in_children: whether it runs in child processes, so that nobody knows which test runs which
            line.
    """

    module: str
    tests: tuple[str, ...]
    in_children: bool = False

    def files(self, root: Path) -> list[str]:
        """Return the test files."""
        found = {path for pattern in self.tests for path in root.glob(pattern)}
        return sorted(path.relative_to(root).as_posix() for path in found)


TABLE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "deploy/incident/erase.py": ("tests/incident/**/test_*.py", "tests/attacks/test_names.py"),
        f"{_RUNTIME}/aws/erasing.py": (
            "tests/incident/test_versions.py",
            "tests/incident/refusals/test_*.py",
            "tests/runtime/client/test_corners.py",
            "tests/runtime/client/test_interrupts.py",
            "tests/attacks/test_names.py",
        ),
        f"{_RUNTIME}/controller/limits.py": _CONTROLLER,
        f"{_RUNTIME}/_protocol/requeue.py": (
            "tests/protocol/test_requeue.py",
            "tests/controller/test_stalls.py",
            "tests/runtime/worker/test_conflicts.py",
            "tests/runtime/worker/test_refusals.py",
            "tests/attacks/test_messages.py",
        ),
        f"{_RUNTIME}/_protocol/sealed/cancel_list.py": (
            "tests/runtime/worker/**/test_cancel*.py",
            "tests/protocol/**/test_*.py",
            "tests/attacks/test_tampering.py",
        ),
        "deploy/incident/contain.py": ("tests/incident/**/test_*.py",),
        "deploy/incident/steps.py": ("tests/incident/refusals/test_*.py",),
        **{
            f"{_RUNTIME}/controller/{name}.py": _CONTROLLER
            for name in ("plan", "sweep", "lifecycle", "launches", "workers/launching")
        },
        f"{_RUNTIME}/_protocol/sealed/chunks.py": _BOTH,
        f"{_RUNTIME}/_protocol/sealed/sending.py": _BOTH,
        f"{_RUNTIME}/_client/access/patience.py": _CLIENT,
        **{
            f"{_RUNTIME}/worker/{name}.py": _WORKER
            for name in (
                "leases/lease",
                "leases/commits",
                "leases/background_commit",
                "leases/requeue",
                "settling",
                "supervisor",
                "stopping",
                "ranges",
                "objects/cancelled",
                "child/range_run",
            )
        },
        **{
            f"{_RUNTIME}/worker/ending/{name}.py": _ENDING
            for name in ("aws_time", "lifetime", "watch", "word")
        },
        **{
            f"{_RUNTIME}/_client/tasks/{name}.py": _CLIENT
            for name in (
                "dispatch",
                "cancels",
                "cancelled_messages",
                "session_queue",
                "task_list",
                "outcomes",
                "sent_chunks",
                "futures",
                "chunking",
                "collect",
                "result_reader",
                "pacing",
            )
        },
    }
)
"""Test files by module."""

_IN_CHILDREN: Final = frozenset({f"{_RUNTIME}/worker/child/range_run.py"})


def subjects(words: str = "") -> list[Subject]:
    """Return the modules whose paths have one of some words in them.

    Args:
        words: separated by blanks; all modules where there are none.
    """
    wanted = words.split()
    return [
        Subject(module=module, tests=tests, in_children=module in _IN_CHILDREN)
        for module, tests in TABLE.items()
        if not wanted or any(word in module for word in wanted)
    ]

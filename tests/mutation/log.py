"""Fates in a file, a line each: an interrupted run goes on, a later one plays only what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["End", "Fate", "Log"]

End = Literal["killed", "hung", "alive", "unreached"]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of a mutant.

    Attributes:
        digest: of the mutant.
        module: its path.
        what: was done to it.
        end: killed by a test, hung (which counts as killed), alive, or reached by no test.
        by: the test that noticed.
        tests: digests of the test files that it rests on: of the one that noticed, or of all that
            were asked.
        budget: seconds of tests that it might have had.
        seconds: it took.
    """

    digest: str
    module: str
    what: str
    end: End
    by: str = ""
    tests: Mapping[str, str] = field(default_factory=dict)
    budget: float = 0.0
    seconds: float = 0.0

    @property
    def noticed(self) -> bool:
        """Whether a test noticed."""
        return self.end in ("killed", "hung")


class Log:
    """What is known of mutants. Logs of other clones may be put behind it: ``cat`` will do.

    Args:
        path: of the file; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[Fate]] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    fate = Fate(**json.loads(line))
                except (TypeError, ValueError):  # cut off in the middle, when the run was
                    continue
                self._keep(fate)

    def __getitem__(self, digest: str) -> Sequence[Fate]:
        """Return what was found of a mutant: kills first, and what is late first."""
        return sorted(self._known.get(digest, ()), key=lambda fate: not fate.noticed)

    def add(self, fate: Fate) -> None:
        """Keep a fate."""
        self._keep(fate)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(fate)) + "\n")

    def _keep(self, fate: Fate) -> None:
        self._known.setdefault(fate.digest, []).insert(0, fate)

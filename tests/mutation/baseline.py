"""Which test runs which line, and how long it takes: one run of each test file without mistakes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.mutation.digests import Digests

__all__ = ["Baseline", "Baselines"]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One test file's run.

    Attributes:
        digest: of the test file as it ran.
        sources: digests of the modules whose lines were noted.
        seconds: by test.
        costs: seconds of a core by test, which do not depend on what else the machine does.
        failed: tests that fail without any mistake, and so tell nothing.
        lines: tests by line by module.
        imports: modules of others that it imported.
    """

    digest: str
    sources: Mapping[str, str]
    seconds: Mapping[str, float]
    failed: Sequence[str]
    lines: Mapping[str, Mapping[str, Sequence[str]]]
    imports: Sequence[str]
    costs: Mapping[str, float] = field(default_factory=dict)

    def reaching(self, module: str, lines: Sequence[int]) -> set[str]:
        """Return the tests that run one of some lines."""
        by_line = self.lines[module]
        return {test for line in lines for test in by_line.get(str(line), ())} - set(self.failed)

    @property
    def tests(self) -> set[str]:
        """All tests that pass."""
        return set(self.seconds) - set(self.failed)


class Baselines:
    """Those that are known.

    Args:
        folder: that they are kept in.
        root: of the repository.

    Attributes:
        digests: of the tree as it is now.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self.digests = Digests(root)

    def get(self, file: str, modules: Sequence[str]) -> Baseline | None:
        """Return the one of a test file, where it is known as these modules are now."""
        path = self._path(file)
        if not path.exists():
            return None
        found = Baseline(**json.loads(path.read_text()))
        now = {each: self.digests.of(each) for each in modules}
        same = all(found.sources.get(each) == digest for each, digest in now.items())
        return found if same and found.digest == self.digests.of(file) else None

    def order(self, file: str, modules: Sequence[str]) -> dict[str, object]:
        """Return what a player has to be told."""
        return {
            "kind": "baseline",
            "files": [file],
            "arguments": [],
            "sources": list(modules),
            "limit": 1200,
        }

    def keep(self, file: str, modules: Sequence[str], answer: Mapping[str, object]) -> Baseline:
        """Keep what a player answered.

        Raises:
            RuntimeError: it could not run the tests at all.
        """
        if "lines" not in answer:
            raise RuntimeError(f"{file} cannot be run: {answer.get('said')}")
        found = Baseline(
            digest=self.digests.of(file),
            sources={module: self.digests.of(module) for module in modules},
            **{name: answer[name] for name in ("seconds", "costs", "failed", "lines", "imports")},  # type: ignore[arg-type]
        )
        path = self._path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(found)))
        return found

    def _path(self, file: str) -> Path:
        return self._folder / f"{file.replace('/', '-')}.json"

"""Mutants that no test notices, each with the reason why none has to; in ``accepted/*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["Accepted"]


class Accepted:
    """Mutants that may live.

    Args:
        reasons: by module and mutant.
    """

    def __init__(self, reasons: Mapping[tuple[str, str], str]) -> None:
        self._reasons = dict(reasons)

    @classmethod
    def read(cls, folder: Path) -> Accepted:
        """Read every file of a folder.

        Args:
            folder: whose files have tables ``[[accepted]]`` with ``module``, ``mutants`` (their
                names) and ``reason``.

        Raises:
            ValueError: a mutant stands there twice, or without a reason.
        """
        reasons: dict[tuple[str, str], str] = {}
        for path in sorted(folder.glob("*.toml")):
            for each in tomllib.loads(path.read_text())["accepted"]:
                if not each["reason"].strip():
                    raise ValueError(f"{path.name} accepts without a reason: {each['mutants']}")
                for mutant in each["mutants"]:
                    if (each["module"], mutant) in reasons:
                        raise ValueError(f"{path.name} accepts a second time: {mutant}")
                    reasons[each["module"], mutant] = each["reason"]
        return cls(reasons)

    def reason(self, module: str, what: str) -> str:
        """Return why a mutant may live; empty where it may not."""
        return self._reasons.get((module, what), "")

    def of(self, module: str) -> Iterator[str]:
        """Yield the mutants of a module that may live."""
        return (what for where, what in self._reasons if where == module)

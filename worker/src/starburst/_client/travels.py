"""What would travel to workers, shown before anything does."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starburst._client.tasks.chunking import Inputs
from starburst._functions.bundle import Bundle
from starburst._packages.uses import uses_of_work
from starburst.untrusted.terminal_text import one_line

from .packages.bringing import Work

__all__ = ["TravellingFile", "Travels", "packages_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TravellingFile:
    """One file of your own that would travel.

    Attributes:
        path: where it is.
        bytes: its size.
        why: what asked for it.
    """

    path: str
    bytes: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Travels:
    """All that a map would send: what ``starburst.map(..., dry_run=True)`` returns.

    Printed, or shown in a notebook, it is a table.

    Attributes:
        files: of your own modules, and what ``include`` names.
        values: names in these modules whose values are sent as they are now.
        function_bytes: of the pickled function, with these values.
        inputs: how many there are.
        input_bytes: of all of them, pickled.
        packages: what is asked for by ``packages=``; without it, the names and versions, as
            installed here, of what the code imports. Workers get of these what their image lacks,
            with all that it needs: ``starburst packages`` asks the environment what that is.
    """

    files: tuple[TravellingFile, ...]
    values: tuple[str, ...]
    function_bytes: int
    inputs: int
    input_bytes: int
    packages: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        function: bytes,
        carried: Bundle,
        inputs: Iterable[Inputs],
        packages: tuple[str, ...],
    ) -> Travels:
        """Return what goes with a pickled function and its inputs."""
        joined = list(inputs)
        return cls(
            files=tuple(
                TravellingFile(path=file.source, bytes=file.size, why=file.why)
                for file in carried.tree.files
            ),
            values=carried.changed,
            function_bytes=len(function) + len(carried.changes),
            inputs=sum(map(len, joined)),
            input_bytes=sum(each.nbytes for each in joined),
            packages=packages,
        )

    def __repr__(self) -> str:
        """Return the table."""
        total = sum(file.bytes for file in self.files)
        lines = [
            f"{self.inputs:,} inputs of {self.input_bytes:,} bytes, a function of "
            f"{self.function_bytes:,} bytes, and {len(self.files):,} files of {total:,} bytes "
            "would travel. Nothing was created."
        ]
        width = max((len(f"{file.bytes:,}") for file in self.files), default=0)
        lines += [
            f"  {file.bytes:>{width},}  {one_line(file.path)}  ({one_line(file.why)})"
            for file in self.files
        ]
        if self.values:
            lines.append("Values that are sent as they are now, whatever the files say:")
            lines += [f"  {one_line(name)}" for name in self.values]
        if self.packages:
            lines.append(
                "Packages that are asked for, or imported; workers get what their image lacks:"
            )
            lines += [f"  {one_line(name)}" for name in self.packages]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def packages_of(
    asked: str | os.PathLike[str] | Sequence[str] | None, work: Work
) -> tuple[str, ...]:
    """Return which packages some work asks for, as far as that is known without asking anyone."""
    if isinstance(asked, str | os.PathLike):
        return (os.fspath(asked),)
    if asked is not None:
        return tuple(asked)
    found = uses_of_work(work.needs, work.uses).all
    return tuple(f"{name} {found[name]}" for name in sorted(found))

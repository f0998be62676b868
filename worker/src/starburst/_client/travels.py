"""What would travel to workers, shown before anything does."""

from __future__ import annotations

import html
from dataclasses import dataclass

from starburst._functions.bundle import Bundle
from starburst.untrusted.terminal_text import one_line

__all__ = ["TravellingFile", "Travels"]


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
    """

    files: tuple[TravellingFile, ...]
    values: tuple[str, ...]
    function_bytes: int
    inputs: int
    input_bytes: int

    @classmethod
    def of(cls, function: bytes, carried: Bundle, *, inputs: int, input_bytes: int) -> Travels:
        """Return what goes with a pickled function and its inputs."""
        return cls(
            files=tuple(
                TravellingFile(path=file.source, bytes=file.size, why=file.why)
                for file in carried.tree.files
            ),
            values=carried.changed,
            function_bytes=len(function) + len(carried.changes),
            inputs=inputs,
            input_bytes=input_bytes,
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
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

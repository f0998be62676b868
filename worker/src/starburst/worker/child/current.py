"""The one child that a worker has at a time: started when a function needs it, then kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.functions import Function, ModuleFile

from .process import Child

__all__ = ["CurrentChild", "Functions"]


class Functions(Protocol):
    """Where functions come from, verified."""

    def function(self, name: str) -> Function:
        """Return a function by its name."""
        ...

    def contents(self, files: Iterable[ModuleFile]) -> list[Buffer]:
        """Return what files of modules hold."""
        ...


class CurrentChild:
    """Starts a worker's child, tells it the functions that it is to run, and ends it.

    A child runs one version of each file: it may have imported it. Where a function brings another
    one, it gets a new child.

    Args:
        functions: those of the session.
        start: starts a child.

    Attributes:
        child: the one that there is now, if any.
    """

    def __init__(self, functions: Functions, *, start: Callable[[], Child] = Child) -> None:
        self._functions = functions
        self._start = start
        self._digests: dict[str, bytes] = {}
        self.child: Child | None = None

    def knowing(self, function: str) -> Child:
        """Return a child that knows the function, starting one if need be.

        Raises:
            IntegrityError: the function or a file of its modules cannot be verified.
            ChildDied: the child ended meanwhile.
        """
        if self.child is not None and function in self.child.functions:
            return self.child
        wanted = self._functions.function(function)
        if self.child is not None and self._differs(wanted.files):
            self.end()
        if self.child is None:
            self.child = self._start()
            self._digests = {}
        new = [file for file in wanted.files if file.path not in self._digests]
        contents = self._functions.contents(new)
        header = {
            "do": "function",
            "name": function,
            "folder": self.child.modules,
            "paths": [file.path for file in new],
            "entries": list(wanted.entries),
        }
        self.child.send(header, [wanted.pickle, wanted.changes, *contents])
        self._digests.update((file.path, file.digest) for file in new)
        self.child.functions.add(function)
        return self.child

    def _differs(self, files: Iterable[ModuleFile]) -> bool:
        known = self._digests
        return any(known.get(file.path, file.digest) != file.digest for file in files)

    def end(self) -> None:
        """End the child, if there is one, and whatever it runs."""
        if self.child is not None:
            self.child.kill()
            self.child = None

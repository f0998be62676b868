"""The one child that a worker has at a time: started when a function needs it, then kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from starburst._protocol.sealed.code.functions import Function, ModuleFile
from starburst._protocol.sealed.code.parcels import objects_of
from starburst._protocol.sealed.code.preparation import Preparation
from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError
from starburst.worker.objects.kept import KeptObjects

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


def _no_objects(name: str) -> Buffer:
    raise IntegrityError(f"object {name} is missing from the session")


class CurrentChild:
    """Starts a worker's child, tells it the functions that it is to run, and ends it.

    A child runs one version of each file: it may have imported it. Where a function brings another
    one, it gets a new child.

    Args:
        functions: those of the session.
        start: starts a child.
        objects: those that functions and tasks share.
        seed: of the tasks' random numbers.
        preparation: names what each child calls first.

    Attributes:
        child: the one that there is now, if any.
    """

    def __init__(
        self,
        functions: Functions,
        *,
        start: Callable[[], Child] = Child,
        objects: KeptObjects | None = None,
        seed: int | None = None,
        preparation: Preparation | None = None,
    ) -> None:
        self._functions = functions
        self._start = start
        self._modules: dict[str, tuple[str, bytes]] = {}
        self._paths: set[str] = set()
        self._objects = KeptObjects(_no_objects, most=0) if objects is None else objects
        self._needs: dict[str, tuple[str, ...]] = {}
        self._handed: set[str] = set()
        self._seed = seed
        self._preparation = preparation or Preparation()
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
        modules = dict(_modules(wanted))
        if self.child is not None and any(
            self._modules.get(name, file) != file for name, file in modules.items()
        ):
            self.end()
        if self.child is None:
            self.child = self._start()
            self._modules, self._paths, self._handed = {}, set(), set()
            self._teach(self.child, wanted)
            self._begin(self.child)
        else:
            self._teach(self.child, wanted)
        return self.child

    def _begin(self, child: Child) -> None:
        """Tell a child what comes before its first task."""
        first = self._preparation.function
        if first:
            if first not in child.functions:
                self._teach(child, self._functions.function(first))
            child.begins = True
        if first or self._seed is not None:
            header = {"do": "begin", "seed": self._seed, "function": first}
            child.send(header, [self._preparation.arguments])

    def _teach(self, child: Child, function: Function) -> None:
        """Tell a child a function; a file that it has by that path stays as it is there."""
        new = [file for file in function.files if file.path not in self._paths]
        contents = self._functions.contents(new)
        self._needs[function.name] = objects_of(function.pickle)
        header = {
            "do": "function",
            "name": function.name,
            "folder": child.modules,
            "paths": [file.path for file in new],
            "entries": list(function.entries),
            "versions": dict(function.versions),
        }
        child.send(header, [function.pickle, function.changes, *contents])
        self._paths.update(file.path for file in new)
        self._modules = {**dict(_modules(function)), **self._modules}
        child.functions.add(function.name)

    def equip(
        self, function: str, inputs: Sequence[Buffer], *, tick: Callable[[], None] = lambda: None
    ) -> int:
        """Hand the child, which knows the function, what its tasks share; one object once.

        Args:
            function: that they call.
            inputs: of the tasks, in their order.
            tick: called at least twice a second while something is fetched.

        Returns:
            for how many of the tasks all is there: more than one only as far as memory allows.

        Raises:
            IntegrityError: what the first of them needs is missing or damaged.
            ChildDied: the child ended meanwhile.
        """
        chosen = dict.fromkeys(self._needs.get(function, ()))
        self._objects.fetch([*chosen], beside=(), tick=tick)
        count = 0
        for data in inputs:
            more = [name for name in objects_of(data) if name not in chosen]
            if more:
                try:
                    beside = chosen if count else ()
                    fits = self._objects.fetch(more, beside=beside, tick=tick)
                except IntegrityError:
                    if not count:
                        raise
                    fits = False
                if not fits:
                    break
                chosen.update(dict.fromkeys(more))
            count += 1
        self._hand_over([*chosen])
        return count

    def _hand_over(self, names: Sequence[str]) -> None:
        child = self.child
        if child is None:
            return
        gone = [name for name in self._handed if name not in self._objects]
        if gone:
            child.send({"do": "forget", "names": gone}, [])
            self._handed.difference_update(gone)
        for name in names:
            if name not in self._handed:
                child.hand_over(name, self._objects.file(name))
                self._handed.add(name)

    def end(self) -> None:
        """End the child, if there is one, and whatever it runs."""
        if self.child is not None:
            self.child.kill()
            self.child = None
            self._handed.clear()


def _modules(function: Function) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """Yield what files are to an import, and which ones these are: one of them can be imported."""
    for file in function.files:
        yield file.path, (file.path, file.digest)
        for entry in function.entries:
            if file.path.startswith(entry + "/"):
                yield file.path[len(entry) :], (file.path, file.digest)

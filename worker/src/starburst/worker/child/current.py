"""The one child that a worker has at a time: started when a function needs it, then kept."""

from __future__ import annotations

from collections.abc import Callable

from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.preparation import Preparation

from .process import Child

__all__ = ["CurrentChild"]


class CurrentChild:
    """Starts a worker's child, tells it the functions that it is to run, and ends it.

    Args:
        function: returns a function's verified pickle by its name.
        start: starts a child.
        seed: of the tasks' random numbers.
        preparation: names what each child calls first.

    Attributes:
        child: the one that there is now, if any.
    """

    def __init__(
        self,
        function: Callable[[str], Buffer],
        *,
        start: Callable[[], Child] = Child,
        seed: int | None = None,
        preparation: Preparation | None = None,
    ) -> None:
        self._function = function
        self._start = start
        self._seed = seed
        self._preparation = preparation or Preparation()
        self.child: Child | None = None

    def knowing(self, function: str) -> Child:
        """Return a child that knows the function, starting one if need be.

        Raises:
            IntegrityError: the function cannot be verified.
            ChildDied: the child ended meanwhile.
        """
        if self.child is None:
            self.child = self._start()
            self._begin(self.child)
        self._teach(self.child, function)
        return self.child

    def _begin(self, child: Child) -> None:
        """Tell a child what comes before its first task."""
        first = self._preparation.function
        if first:
            self._teach(child, first)
            child.begins = True
        if first or self._seed is not None:
            header = {"do": "begin", "seed": self._seed, "function": first}
            child.send(header, [self._preparation.arguments])

    def _teach(self, child: Child, function: str) -> None:
        if function not in child.functions:
            child.send({"do": "function", "name": function}, [self._function(function)])
            child.functions.add(function)

    def end(self) -> None:
        """End the child, if there is one, and whatever it runs."""
        if self.child is not None:
            self.child.kill()
            self.child = None

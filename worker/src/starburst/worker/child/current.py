"""The one child that a worker has at a time: started when a function needs it, then kept."""

from __future__ import annotations

from collections.abc import Callable

from starburst._protocol.sealed.envelope import Buffer

from .process import Child

__all__ = ["CurrentChild"]


class CurrentChild:
    """Starts a worker's child, tells it the functions that it is to run, and ends it.

    Args:
        function: returns a function's verified pickle by its name.
        start: starts a child.

    Attributes:
        child: the one that there is now, if any.
    """

    def __init__(
        self, function: Callable[[str], Buffer], *, start: Callable[[], Child] = Child
    ) -> None:
        self._function = function
        self._start = start
        self.child: Child | None = None

    def knowing(self, function: str) -> Child:
        """Return a child that knows the function, starting one if need be.

        Raises:
            IntegrityError: the function cannot be verified.
            ChildDied: the child ended meanwhile.
        """
        if self.child is None:
            self.child = self._start()
        if function not in self.child.functions:
            data = self._function(function)
            self.child.send({"do": "function", "name": function}, [data])
            self.child.functions.add(function)
        return self.child

    def end(self) -> None:
        """End the child, if there is one, and whatever it runs."""
        if self.child is not None:
            self.child.kill()
            self.child = None

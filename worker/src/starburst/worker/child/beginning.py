"""How the child begins: the session's seed, and the initializer, once before the first task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from starburst._functions.main_globals import gathering, watching
from starburst._functions.payload import load
from starburst._functions.pickling import dumps
from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.failure import Failure, describe, qualified_name
from starburst.errors import InitializerFailed

__all__ = ["Beginning"]

_CALL: Final = 2
"""The pickles of a function, and of its arguments."""


class Beginning:
    """What this process does before its first task.

    Args:
        seed: of the session's random numbers; None for any.
        initializer: the pickles of a function and of its ``(args, kwargs)``; empty for none.
    """

    def __init__(self, seed: int | None = None, initializer: Sequence[Buffer] = ()) -> None:
        self.seed = seed
        self._pending = tuple(initializer)
        self._failure: Failure | None = None
        self._left: dict[str, Any] = {}

    def failure(self) -> Failure | None:
        """Call the initializer if that is still to be done; return why no task can run here."""
        if len(self._pending) == _CALL:
            function, arguments = self._pending
            self._pending = ()
            try:
                self._call(function, arguments)
            except InitializerFailed as error:
                self._failure = replace(describe(error), type_name=error.type_name)
        return self._failure

    def load(self, data: Buffer, what: str) -> Any:  # noqa: ANN401 - whatever was sent
        """Load what was sent, with what the initializer has left for it."""
        if not self._left:
            return load(data, what)
        with gathering() as scopes:
            loaded = load(data, what)
        for scope in scopes:
            scope.update(self._left)
        return loaded

    def _call(self, function: Buffer, arguments: Buffer) -> None:
        try:
            with gathering() as scopes:
                args, kwargs = load(arguments, "an argument of the initializer")
                initializer = load(function, "the initializer")
            changed = watching(scopes, dumps=dumps)
            initializer(*args, **kwargs)
            self._left = changed()
        # Whatever it raises, sys.exit() too: the tasks are told.
        except BaseException as error:
            said = f": {error}" if str(error) else ""
            name = qualified_name(type(error))
            raise InitializerFailed(
                f"the initializer raised {name}{said}, so no task runs in this process of a worker",
                type_name=name,
            ) from error

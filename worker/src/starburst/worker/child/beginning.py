"""How the child begins: the session's seed, and the initializer, once before the first task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from starburst._functions.ordinary.main_globals import gathering, leave, watching
from starburst._functions.ordinary.variables import Surroundings
from starburst._functions.payload import load
from starburst._functions.pickling import dumps
from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.failure import Failure, describe, qualified_name
from starburst.errors import InitializerFailed

__all__ = ["Beginning"]


class Beginning:
    """What this process does before its first task.

    Args:
        seed: of the session's random numbers; None for any.
        initializer: returns what is called first, loaded; None for nothing.
        arguments: the pickle of its ``(args, kwargs)``.
    """

    def __init__(
        self,
        seed: int | None = None,
        initializer: Callable[[], tuple[Callable[..., object], Surroundings]] | None = None,
        arguments: Buffer = b"",
    ) -> None:
        self.seed = seed
        self._initializer = initializer
        self._arguments = arguments
        self._failure: Failure | None = None

    def failure(self) -> Failure | None:
        """Call the initializer if that is still to be done; return why no task can run here."""
        initializer, self._initializer = self._initializer, None
        if initializer is not None:
            try:
                self._call(initializer)
            except InitializerFailed as error:
                self._failure = replace(describe(error), type_name=error.type_name)
        return self._failure

    def _call(self, initializer: Callable[[], tuple[Callable[..., object], Surroundings]]) -> None:
        try:
            with gathering() as scopes:
                function, surroundings = initializer()
                args, kwargs = load(self._arguments, "an argument of the initializer")
            changed = watching(scopes, dumps=dumps)
            surroundings.run(lambda: function(*args, **kwargs))
            leave(changed())
        # Whatever it raises, sys.exit() too: the tasks are told.
        except BaseException as error:
            said = f": {error}" if str(error) else ""
            name = qualified_name(type(error))
            raise InitializerFailed(
                f"the initializer raised {name}{said}, so no task runs in this process of a worker",
                type_name=name,
            ) from error

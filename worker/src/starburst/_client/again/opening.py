"""Opening the session of a map that has a name, for what earlier ones of it left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starburst._client.opening import bring_for, open_core

from .fingerprints import Made
from .held import named
from .resuming import resume

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._client.options import SessionOptions
    from starburst._client.packages.bringing import Work
    from starburst._client.session_core import SessionCore
    from starburst._client.tasks.chunking import Inputs
    from starburst._functions.bundle import Bundle
    from starburst._functions.sharing import Sharing

__all__ = ["opened_again"]


def opened_again(
    connection: Connection,
    options: SessionOptions,
    name: str,
    *,
    function: bytes,
    carried: Bundle,
    work: Work,
    waiting: Sequence[Inputs],
    sharing: Sharing,
    progress: bool | None,
) -> tuple[SessionCore | None, dict[int, Any]]:
    """Return a session for what is to be computed, None where nothing is, and what is there.

    That is results by the positions of their inputs.

    Args:
        connection: where.
        options: how the session is to be.
        name: of the work.
        function: pickled.
        carried: what goes with it.
        work: what it needs.
        waiting: the inputs of all calls.
        sharing: what they share.
        progress: draw a bar.

    Raises:
        LimitExceeded: as :func:`open_core` does, with all that it raises.
    """
    brought = bring_for(connection, options, work, progress=progress)
    made = Made.of(
        function,
        carried,
        work=work,
        packages=brought.packages,
        beginning=(sorted((options.env or {}).items()), brought.call),
        sharing=sharing,
    )
    resumed = resume(connection, name, made, waiting, options=options, sharing=sharing)
    left = sum(map(len, waiting)) - len(resumed.held.results)
    if not left:
        return None, resumed.held.results
    core = open_core(
        connection,
        replace(options, seed=resumed.seed(options.seed)),
        tasks=left,
        progress=progress,
        work=work,
        brought=brought,
        labels=lambda key: named(name, made, key),
    )
    return core, resumed.held.results

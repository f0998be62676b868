"""Looking how far a burst is, from the event loop of Airflow's triggerer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starburst._client.access.patience import is_passing
from starburst._client.attaching import attach_session
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line

from .bursts import Burst, end
from .place import Place

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._client.session import Session

__all__ = ["stop", "watch"]


async def watch(place: Place, burst: Burst, *, seconds: float) -> str:
    """Return once all calls of a burst have ended, whatever became of them. Nothing is started.

    What asks AWS runs in threads, so that other triggers go on. No result is read.

    Args:
        place: where.
        burst: which.
        seconds: between looks.

    Returns:
        what hinders looking and does not pass by itself; empty where all have ended.
    """
    session: Session | None = None
    connection: Connection | None = None
    try:
        while True:
            try:
                if connection is None:
                    connection = await asyncio.to_thread(place.connect)
                if session is None:
                    session = await asyncio.to_thread(_attached, connection, burst)
            except StarburstError as error:
                if connection is None or not is_passing(error, connection):
                    return one_line(error)
            else:
                if session._core.tasks.all_done(burst.first + burst.count):
                    return ""
            await asyncio.sleep(seconds)
    finally:
        if session is not None:
            await asyncio.to_thread(session.detach)


async def stop(place: Place, burst: Burst) -> None:
    """End a burst that nobody wants any more; its results so far are kept."""

    def stop_it() -> None:
        end(place.connect(), burst, erase=False)

    await asyncio.to_thread(stop_it)


def _attached(connection: Connection, burst: Burst) -> Session:
    return attach_session(connection, burst.session, progress=False, count_only=True)

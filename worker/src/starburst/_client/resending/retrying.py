"""Running what failed again: new tasks, with the functions and inputs that the session holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.futures import FutureList, joined

from .stored_inputs import read_chunks

if TYPE_CHECKING:
    from starburst._client.session_core import SessionCore

__all__ = ["retry_failed"]


def retry_failed(core: SessionCore) -> FutureList[Any]:
    """Submit again what has failed and was not retried; return the futures.

    Raises:
        SessionEnded: the session takes no more work.
        IntegrityError: what is to be sent again is not what a client of the session signed.
    """
    ended = core.tasks.ended
    if ended is not None:
        raise ended
    core.collector.catch_up()
    return FutureList(core.tasks, joined(_submitted(core)))


def _submitted(core: SessionCore) -> Iterator[range]:
    failed = [number for number, _ in core.tasks.failures(collected=True)]
    entries = core.tasks.entries(failed)
    wanted = set(failed)
    chunks = read_chunks(core.connection, core.manifest.keys, entries, key=core.key)
    for chunk in chunks:
        stop = chunk.first + len(chunk.inputs)
        numbers = [number for number in range(chunk.first, stop) if number in wanted]
        inputs = Inputs(bytes(chunk.inputs[number - chunk.first]) for number in numbers)
        new = core.dispatcher.accept(chunk.function, inputs)
        core.tasks.replace(numbers, new)
        core.collector.start()
        core.dispatcher.wait_for_room()
        yield new

"""A session's calls from iterables: pickled, and submitted as many together as come quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Sized
from typing import TYPE_CHECKING, Any, TypeVar

from .inputs import how_many, pickled
from .local_paths import LocalPaths

if TYPE_CHECKING:
    from starburst._client.session_core import SessionCore
    from starburst._client.tasks.futures import FutureList

__all__ = ["send_all"]

R = TypeVar("R")


def send_all(
    core: SessionCore,
    function: Callable[..., R],
    iterables: Sequence[Iterable[Any]],
    *,
    star: bool = False,
) -> FutureList[R]:
    """Send a call for one of each iterable, or for each tuple of arguments; return the futures.

    Raises:
        WrongArguments: the iterables are of unequal lengths, or an input is no tuple.
        UnpicklableInput: the function or an input cannot travel; inputs before it are sent.
        SessionEnded: the session takes no more work.
    """
    sharing = core.objects.sharing
    sent = sharing.function(function)
    paths = LocalPaths(core.connection)
    payloads = pickled(iterables, door="session.map", sharing=sharing, paths=paths, star=star)
    if not any(isinstance(each, Sized) for each in iterables):
        return core.submit_each(sent, payloads)  # the next one may be long in coming
    count = how_many(iterables)
    if count == 0:
        return core.futures[:0]
    core.dispatcher.expect(count or 0)
    return core.submit_all(sent, payloads)

"""``starburst.imap``: a function over inputs that may never end, results as they come."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from typing import Any, TypeVar, Unpack

from starburst._client.access.connection import Connection, check_place, connect
from starburst._client.streams.inputs import pickled
from starburst._client.streams.local_paths import LocalPaths
from starburst._client.streams.streaming import ResultIterator, Stream, Window, check_buffersize
from starburst._functions.bundle import bundle
from starburst._functions.sharing import Sharing
from starburst._functions.signatures import check_map
from starburst._protocol.sealed.code.parcels import objects_bytes
from starburst.errors import RemoteTraceback

from .bursts import end_after, end_well
from .opening import open_core
from .options import SessionOptionNames, SessionOptions
from .packages.bringing import Work
from .session_core import SessionCore

__all__ = ["imap_over"]

T = TypeVar("T")
R = TypeVar("R")


def imap_over(
    f: Callable[[T], R],
    inputs: Iterable[T],
    *,
    buffersize: int | None = None,
    environment: str | Connection | None = None,
    workspace: str | None = None,
    user: str | None = None,
    profile: str | None = None,
    progress: bool | None = None,
    **options: Unpack[SessionOptionNames],
) -> ResultIterator[R]:
    """Call ``f`` on every input, on cloud workers; yield the results in input order, as they come.

    As :func:`starburst.map`, but it holds no more than it must: inputs are read as results are
    taken, so that they may go on for ever, and a result that was yielded is held no longer. The
    session begins when the first result is asked for. It ends, and its objects are erased, with the
    last result or when the iterator is closed: by ``close()``, at the end of a ``with`` block, or
    when it is let go, as by a ``break``. Calls that were not yielded by then are cancelled. When a
    call failed, the objects stay, as with ``map``.

    Args:
        f: any function that cloudpickle can send; your own modules go with it.
        inputs: its arguments, one each. Some are read ahead; ``buffersize=1`` reads each after the
            result of the one before was taken.
        buffersize: calls that are submitted and not yet yielded, at most. None for as many as keep
            the workers busy: eight for each worker, or 64, until the first results say how large
            they are; then as many as hold 256 MB of results, 10,000 at most and four for each
            worker at least.
        environment: where; see :func:`starburst.connect`.
        workspace: likewise.
        user: who to be; see :func:`starburst.connect`.
        profile: an AWS profile.
        progress: draw a bar; by default only where a person watches. False also keeps from showing
            what calls print as it comes.
        **options: the fields of :class:`starburst.SessionOptions`, such as ``workers=50``.

    Raises:
        ConfigurationError: an argument is wrong; from the iterator, no environment is found.
        WrongArguments: ``f`` does not take one argument, or ``inputs`` are no iterable.
        UnpicklableInput: the function cannot travel; from the iterator, an input cannot.
        Exception: from the iterator, what ``f`` raised, once it is that input's turn.

    Example:
        >>> for seed, loss in enumerate(starburst.imap(train, itertools.count())):  # doctest: +SKIP
        ...     if loss < 0.01:
        ...         break
    """
    wanted = SessionOptions.of(options)
    check_buffersize(buffersize)
    check_place(environment, workspace, user, profile)
    check_map(f, inputs)
    sharing = Sharing(most=objects_bytes(wanted.memory_gb))
    function = sharing.function(f)
    paths = LocalPaths()
    payloads = pickled([inputs], door=None, sharing=sharing, paths=paths)
    tasks = len(inputs) if isinstance(inputs, Sized) else None

    def opened(first: bytes) -> SessionCore:
        work = Work.of((function, first))
        bundle(work.needs, wanted.included)  # nothing is created yet
        connection = connect(environment, workspace, user=user, profile=profile)
        paths.judge(connection)
        core = open_core(connection, wanted, tasks=tasks, progress=progress, work=work)
        core.ends_with_client = True
        core.objects.use(sharing)
        return core

    return ResultIterator(_results(opened, function, payloads, buffersize))


def _results(
    opened: Callable[[bytes], SessionCore],
    function: bytes,
    payloads: Iterator[bytes],
    buffersize: int | None,
) -> Generator[Any, None, None]:
    first = next(payloads, None)  # what is empty, or cannot travel at all, opens nothing
    if first is None:
        return
    core = opened(first)
    stream: Stream | None = None
    try:
        stream = Stream(
            core.tasks,
            itertools.chain([first], payloads),
            submit=core.submitter(function),
            window=Window(core, buffersize),
        )
        yield from stream.results()
    except GeneratorExit:
        end_well(core, wait_for_workers=True)
        raise
    except BaseException as error:
        own = stream is not None and RemoteTraceback.of(error) is not None
        end_after(core, error, number=stream.yielded if own and stream else None)
        raise
    end_well(core)


# What Python says of wrong arguments, and help(), should name what people call.
imap_over.__name__ = imap_over.__qualname__ = "imap"
imap_over.__module__ = "starburst"

"""``starburst.map``: a function over inputs, results in input order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast, overload

from starburst._client.access.connection import Connection, check_place, connect
from starburst._client.streams.inputs import pickled
from starburst._client.streams.local_paths import LocalPaths
from starburst._client.tasks.chunking import Inputs
from starburst._functions.bundle import bundle
from starburst._functions.sharing import Sharing
from starburst._functions.showing.sources import without_places
from starburst._functions.signatures import check_map, check_starmap, with_keywords
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.code.parcels import objects_bytes
from starburst.errors import RemoteTraceback
from starburst.pricing.prices import Capacity

from .again.opening import opened_again
from .again.resuming import check_name, parts
from .bursts import Ends, end_after
from .opening import open_core
from .options import CallOptionNames, Machine, SessionOptions
from .packages.bringing import Work
from .travels import Travels, packages_of

if TYPE_CHECKING:
    from .session_core import SessionCore

__all__ = ["MapOptionNames", "map_over", "starmap_over"]

T = TypeVar("T")
R = TypeVar("R")


class MapOptionNames(CallOptionNames, total=False):
    """What :func:`starburst.map` takes by name."""

    return_exceptions: bool
    stop_on_error: bool
    resume: str | None
    keep: bool
    environment: str | Connection | None
    workspace: str | None
    dry_run: bool
    progress: bool | None
    user: str | None
    profile: str | None


@overload
def map_over(
    f: Callable[[T], R], inputs: Iterable[T], /, **options: Unpack[MapOptionNames]
) -> list[R]: ...


@overload
def map_over(
    f: Callable[..., R],
    inputs: Iterable[Any],
    more: Iterable[Any],
    /,
    *iterables: Iterable[Any],
    kwargs: Mapping[str, Any] | None = None,
    **options: Unpack[MapOptionNames],
) -> list[R]: ...


@overload
def map_over(
    f: Callable[..., R],
    inputs: Iterable[Any],
    /,
    *,
    kwargs: Mapping[str, Any] | None,
    **options: Unpack[MapOptionNames],
) -> list[R]: ...


def map_over(
    f: Callable[..., R],
    *iterables: Iterable[Any],
    kwargs: Mapping[str, Any] | None = None,
    return_exceptions: bool = False,
    stop_on_error: bool = False,
    resume: str | None = None,
    environment: str | Connection | None = None,
    workspace: str | None = None,
    workers: int | None = None,
    cpu: float = 1,
    memory: float | str = 4,
    timeout: float | None = None,
    retries: int = 0,
    retry_on: Sequence[type[BaseException] | str] = (),
    results: ResultMode = "data",
    capacity: Capacity = "on-demand",
    architecture: Machine | None = None,
    scratch_gb: int | None = None,
    max_usd: float | None = None,
    wait: int | None = None,
    include: Sequence[str | os.PathLike[str]] = (),
    packages: str | os.PathLike[str] | Sequence[str] | None = None,
    dry_run: bool = False,
    seed: int | None = None,
    env: Mapping[str, str] | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Sequence[Any] = (),
    keep: bool = False,
    progress: bool | None = None,
    user: str | None = None,
    profile: str | None = None,
) -> list[R]:
    """Call ``f`` on every input, on cloud workers; return the results in input order.

    Inputs are given one by one: chunks form by themselves. Nothing is created before the function
    and all inputs are known to travel: all are read first, and held as they travel until they are
    sent. Inputs that never end, or results that need not all be held, are for
    :func:`starburst.imap`. When all is done, the workers are stopped, and inputs, functions and
    results are erased; what calls printed and what a report is made of stay until the session
    expires, for ``starburst logs`` and ``starburst report``.
    When a call failed, all of it stays, so that no result is lost. Who interrupts that end (Ctrl-C)
    still gets the results, and a warning.

    Args:
        f: any function that cloudpickle can send; your own modules go with it.
        *iterables: its arguments: one of each for each call. Known lengths must be equal; an
            iterator that never ends goes beside others that do.
        kwargs: keyword arguments that every call gets.
        return_exceptions: put what calls raised in the list, in its place, rather than raise the
            first; then nothing of the session stays, unless some calls have no end of their own.
        stop_on_error: cancel all other calls once one has failed; by default all are run. With
            ``return_exceptions``, what was cancelled is a ``CancelledError`` in the list.
        resume: a name for this work. What an earlier call of that name has computed, in whatever
            process, is not computed again as long as its session is held: of equal function,
            inputs, packages, ``env`` and ``initializer``, by hash of what is sent. What is taken
            and what is computed is said on stderr. Sessions of a name keep their results when all
            is done; an earlier one that still runs is stopped first, so that one process at a time
            uses a name.
        environment: ``STARBURST_ENVIRONMENT`` by default, else ``local``; or a connection.
        workspace: ``STARBURST_WORKSPACE`` by default, else the only one there is.
        workers: how many at most.
        cpu: vCPU of each worker.
        memory: of each worker, GB or text such as ``"8GB"``.
        timeout: seconds that one call may take.
        retries: how often a call that raised is run again.
        retry_on: the exception types worth it, subclasses included; empty for any.
        results: ``"data"``, or ``"pickle"`` to accept results that can run code when loaded.
        capacity: ``"on-demand"``, ``"spot"``, or ``"mixed"``: Spot, and on demand where it lacks.
        architecture: of the workers, ``"x86_64"`` or ``"arm64"``; None for the environment's own.
        scratch_gb: disk of each worker, 21 to 200 GB; None for the workspace's own.
        max_usd: what the workers may cost in all; the session is ended where they cost more.
        wait: seconds that the session may wait for its start where there is no room for it in the
            totals; None refuses it at once.
        include: what of your own files travels beside the modules that are reached: files, folders
            and names of modules.
        packages: what workers have beside their image; see :class:`starburst.SessionOptions`.
        dry_run: create nothing and ask no one; return what would travel, as a
            :class:`starburst.Travels`.
        seed: what :func:`starburst.rng` makes the calls' random numbers of; None for any.
        env: environment variables that the calls need, names and texts; sealed.
        initializer: called once in each process of a worker, before its first call.
        initargs: its arguments.
        keep: erase nothing when all is done; the session then expires as others do.
        progress: draw a bar; by default only where a person watches. False also keeps from showing
            what calls print as it comes.
        user: who to be; see :func:`starburst.connect`.
        profile: an AWS profile.

    Raises:
        ConfigurationError: an argument is wrong, the environment cannot be found, or the inputs do
            not end: they never do, are more than 100 million, or half of this machine's memory.
        WrongArguments: ``f`` does not take these arguments, or what is mapped over is no iterable,
            or of unequal lengths.
        UnpicklableInput: the function or an input cannot travel.
        PackagesRefused: a package that is needed may not travel, or cannot.
        VersionMismatch: workers would have another Python, or a library in another version.
        LimitExceeded: the workspace does not grant what was asked for, or there was no room for it
            within ``wait``.
        SessionsFrozen: no new session may start for now; it says by whom, since when, and why.
        ImageRefused: the worker image has a finding that nobody waived.
        Exception: what ``f`` raised first, in input order, with the remote traceback as its cause.
            Its notes count what else failed, by kind.

    Example:
        >>> starburst.map(abs, [-1, 2, -3])                      # doctest: +SKIP
        [1, 2, 3]
        >>> starburst.map(pow, [2, 3], [10, 2])                  # doctest: +SKIP
        [1024, 9]
    """
    options = SessionOptions(
        workers=workers,
        cpu=cpu,
        memory=memory,
        timeout=timeout,
        retries=retries,
        retry_on=retry_on,
        results=results,
        capacity=capacity,
        architecture=architecture,
        scratch_gb=scratch_gb,
        max_usd=max_usd,
        wait=wait,
        include=include,
        packages=packages,
        seed=seed,
        env=env,
        initializer=initializer,
        initargs=initargs,
    )
    return _burst(
        f,
        iterables,
        options,
        kwargs=kwargs,
        ends=Ends(
            return_exceptions=return_exceptions,
            stop_on_error=stop_on_error,
            keep=keep,
            resume=resume,
        ),
        place=(environment, workspace, user, profile),
        dry_run=dry_run,
        progress=progress,
    )


def starmap_over(
    f: Callable[..., R],
    inputs: Iterable[Iterable[Any]],
    *,
    kwargs: Mapping[str, Any] | None = None,
    return_exceptions: bool = False,
    stop_on_error: bool = False,
    resume: str | None = None,
    keep: bool = False,
    environment: str | Connection | None = None,
    workspace: str | None = None,
    dry_run: bool = False,
    progress: bool | None = None,
    user: str | None = None,
    profile: str | None = None,
    **options: Unpack[CallOptionNames],
) -> list[R]:
    """Call ``f(*arguments)`` for every tuple of arguments; otherwise as :func:`starburst.map`.

    Args:
        f: any function that cloudpickle can send.
        inputs: a tuple of arguments for each call.
        kwargs: keyword arguments that every call gets.
        return_exceptions: see :func:`starburst.map`, as all that follows.
        stop_on_error: cancel all other calls once one has failed.
        resume: a name for this work, to go on with it later.
        keep: erase nothing when all is done.
        environment: where; or a connection.
        workspace: where.
        dry_run: create nothing, and return what would travel.
        progress: draw a bar.
        user: who to be.
        profile: an AWS profile.
        **options: those of :func:`starburst.map`, such as ``workers=50``.

    Raises:
        WrongArguments: ``f`` does not take the first of them, or one of them is no tuple.
        Exception: as :func:`starburst.map` does.

    Example:
        >>> starburst.starmap(pow, [(2, 10), (3, 2)])            # doctest: +SKIP
        [1024, 9]
    """
    return _burst(
        f,
        [inputs],
        SessionOptions.of(options),
        star=True,
        kwargs=kwargs,
        ends=Ends(
            return_exceptions=return_exceptions,
            stop_on_error=stop_on_error,
            keep=keep,
            resume=resume,
        ),
        place=(environment, workspace, user, profile),
        dry_run=dry_run,
        progress=progress,
    )


def _burst(
    f: Callable[..., R],
    iterables: Sequence[Iterable[Any]],
    options: SessionOptions,
    *,
    kwargs: Mapping[str, Any] | None,
    ends: Ends,
    place: tuple[str | Connection | None, str | None, str | None, str | None],
    dry_run: bool,
    progress: bool | None,
    star: bool = False,
) -> list[R]:
    """Do as :func:`starburst.map` says."""
    environment, workspace, user, profile = place
    check_place(environment, workspace, user, profile)
    check_name(ends.resume)
    f = with_keywords(f, kwargs)
    if star:
        check_starmap(f, iterables[0])
    for each in () if star else iterables:
        check_map(f, each, number=len(iterables))
    sharing = Sharing(most=objects_bytes(options.memory_gb))
    function = sharing.function(f)
    paths = LocalPaths()
    payloads = pickled(
        iterables, door="map", sharing=sharing, paths=paths, together=True, star=star
    )
    waiting = deque(Inputs.joined(payloads))
    total = sum(map(len, waiting))
    work = Work.of((function,))
    for each in waiting:
        work |= Work(needs=each.needs, uses=each.uses, named=each.uses)
    carried = bundle(work.needs, options.included)  # refused before anything is created
    if dry_run:
        sent = packages_of(options.packages, work)
        return cast("list[R]", Travels.of(function, carried, waiting, sent))
    if not waiting:
        return []
    connection = connect(environment, workspace, user=user, profile=profile)
    paths.judge(connection)
    found: dict[int, Any] = {}
    core: SessionCore | None
    if ends.resume is None:
        core = open_core(connection, options, tasks=total, progress=progress, work=work)
    else:
        with without_places():  # one that was moved is the same
            compared = sharing.function(f)
        core, found = opened_again(
            connection,
            options,
            ends.resume,
            function=compared,
            carried=carried,
            work=work,
            waiting=waiting,
            sharing=sharing,
            progress=progress,
        )
    if core is None:  # all is there
        return [found[position] for position in range(total)]
    core.ends_with_client = True
    try:
        core.objects.use(sharing)
        core.dispatcher.expect(total)
        _submit(core, function, parts(waiting, found), found, needs=work.needs, ends=ends)
        outcome = ends.collect(core, total)
    except BaseException as error:
        own = RemoteTraceback.of(error) is not None
        end_after(core, error, number=core.tasks.number_with(error) if own else None)
        raise
    ends.end(core)
    return outcome


def _submit(
    core: SessionCore,
    function: bytes,
    parts: Iterable[tuple[range, Inputs | None]],
    found: dict[int, Any],
    *,
    needs: frozenset[str],
    ends: Ends,
) -> None:
    """Submit what is to be computed; what is found has its place among it."""
    for positions, inputs in parts:  # what is sent is held no longer
        if ends.stop_on_error and core.tasks.has_failed():
            return
        if inputs is None:
            numbers = core.tasks.add(len(positions))
            core.tasks.settle("", numbers.start, [found.pop(number) for number in positions])
        else:
            core.submit_joined(function, inputs, needs=needs)


# What Python says of wrong arguments, and help(), should name what people call.
for _function, _name in ((map_over, "map"), (starmap_over, "starmap")):
    _function.__name__ = _function.__qualname__ = _name
    _function.__module__ = "starburst"

"""``starburst.map``: a function over inputs, results in input order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from starburst._client.access.connection import Connection, check_place, connect
from starburst._client.streams.inputs import pickled
from starburst._client.tasks.chunking import Inputs
from starburst._functions.bundle import bundle
from starburst._functions.capturing import needs_of
from starburst._functions.sharing import Sharing
from starburst._functions.signatures import check_map
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.code.parcels import objects_bytes
from starburst.errors import RemoteTraceback
from starburst.pricing.prices import Capacity

from .bursts import end_after, end_well
from .opening import open_core
from .options import Machine, SessionOptions
from .session import Session
from .travels import Travels

__all__ = ["map_over"]

T = TypeVar("T")
R = TypeVar("R")


def map_over(
    f: Callable[[T], R],
    inputs: Iterable[T],
    *,
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
    dry_run: bool = False,
    seed: int | None = None,
    env: Mapping[str, str] | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Sequence[Any] = (),
    progress: bool | None = None,
    user: str | None = None,
    profile: str | None = None,
) -> list[R]:
    """Call ``f`` on every input, on cloud workers; return the results in input order.

    Inputs are given one by one: chunks form by themselves. Nothing is created before the function
    and all inputs are known to travel: all are read first, and held as they travel until they are
    sent. Inputs that never end, or results that need not all be held, are for
    :func:`starburst.imap`. When all is done, the workers are stopped and the session's
    objects are erased; when a call failed, the objects stay, so that no result is lost. Who
    interrupts that end (Ctrl-C) still gets the results, and a warning.

    Args:
        f: any function that cloudpickle can send; your own modules go with it.
        inputs: its arguments, one each.
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
        dry_run: create nothing and ask no one; return what would travel, as a
            :class:`starburst.Travels`.
        seed: what :func:`starburst.rng` makes the calls' random numbers of; None for any.
        env: environment variables that the calls need, names and texts; sealed.
        initializer: called once in each process of a worker, before its first call.
        initargs: its arguments.
        progress: draw a bar; by default only where a person watches.
        user: who to be; see :func:`starburst.connect`.
        profile: an AWS profile.

    Raises:
        ConfigurationError: an argument is wrong, the environment cannot be found, or the inputs do
            not end: they never do, are more than 100 million, or half of this machine's memory.
        WrongArguments: ``f`` does not take one argument, or ``inputs`` are no iterable.
        UnpicklableInput: the function or an input cannot travel.
        LimitExceeded: the workspace does not grant what was asked for, or there was no room for it
            within ``wait``.
        SessionsFrozen: no new session may start for now; it says by whom, since when, and why.
        Exception: what ``f`` raised first, in input order, with the remote traceback as its cause.

    Example:
        >>> starburst.map(abs, [-1, 2, -3])                      # doctest: +SKIP
        [1, 2, 3]
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
        seed=seed,
        env=env,
        initializer=initializer,
        initargs=initargs,
    )
    check_place(environment, workspace, user, profile)
    check_map(f, inputs)
    sharing = Sharing(most=objects_bytes(options.memory_gb))
    function = sharing.function(f)
    waiting = deque(Inputs.joined(pickled(inputs, door="map", sharing=sharing, together=True)))
    total = sum(map(len, waiting))
    needs = needs_of(function).union(*(each.needs for each in waiting))
    carried = bundle(needs, options.included)  # refused before anything is created
    if dry_run:
        nbytes = sum(each.nbytes for each in waiting)
        return cast("list[R]", Travels.of(function, carried, inputs=total, input_bytes=nbytes))
    if not waiting:
        return []
    connection = connect(environment, workspace, user=user, profile=profile)
    core = open_core(connection, options, tasks=total, progress=progress)
    core.ends_with_client = True
    try:
        core.objects.use(sharing)
        core.dispatcher.expect(total)
        while waiting:  # what is sent is held no longer
            core.submit_joined(function, waiting.popleft(), needs=needs)
        outcome: list[R] = Session(core).collect()
    except BaseException as error:
        own = RemoteTraceback.of(error) is not None
        end_after(core, error, number=core.tasks.number_with(error) if own else None)
        raise
    end_well(core)
    return outcome


# What Python says of wrong arguments, and help(), should name what people call.
map_over.__name__ = map_over.__qualname__ = "map"
map_over.__module__ = "starburst"

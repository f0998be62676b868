"""``starburst.map``: a function over inputs, results in input order."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from starburst._client.access.connection import Connection, check_place, connect
from starburst._client.ending.interrupts import say_that_it_goes_on
from starburst._client.tasks.futures import ended_by_itself
from starburst._functions.bundle import bundle
from starburst._functions.caller import warn
from starburst._functions.capturing import all_needs
from starburst._functions.sharing import Sharing
from starburst._functions.signatures import check_map, iterated
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.parcels import objects_bytes
from starburst.errors import RemoteTraceback
from starburst.pricing.prices import Capacity

from .opening import open_core
from .options import Machine, SessionOptions
from .session import Session
from .session_core import SessionCore
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
    and all inputs are known to travel. When all is done, the workers are stopped and the session's
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
        ConfigurationError: an argument is wrong, or the environment cannot be found.
        WrongArguments: ``f`` does not take one argument, or ``inputs`` are no iterable.
        UnpicklableInput: the function or an input cannot travel.
        LimitExceeded: the workspace does not grant what was asked for.
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
    payloads = sharing.inputs(((x,), {}) for x in iterated(inputs))
    needs = all_needs(itertools.chain((function,), payloads))
    carried = bundle(needs, options.included)  # refused before anything is created
    if dry_run:
        return cast("list[R]", Travels.of(function, payloads, carried))
    if not payloads:
        return []
    connection = connect(environment, workspace, user=user, profile=profile)
    core = open_core(connection, options, tasks=len(payloads), progress=progress)
    core.ends_with_client = True
    try:
        core.objects.use(sharing)
        core.dispatcher.expect(len(payloads))
        core.submit_all(function, payloads, needs)
        outcome: list[R] = Session(core).collect()
    except BaseException as error:
        with say_that_it_goes_on(core.id):
            core.clean_up_or_warn(force=False)
        number = _first_with(core, error)
        if number is not None:
            error.add_note(f"raised for input {number}, counted from 0")
        if not core.statuses.erased:
            error.add_note(_what_is_kept(core))
        raise
    try:
        core.clean_up_or_warn(force=True)
    except KeyboardInterrupt:  # some may be erased already, and these are all there is
        warn(
            f"session {core.id} was not cleaned up: that was interrupted. `starburst stop "
            f"{core.id} --erase` does so; all results are here"
        )
    return outcome


def _first_with(core: SessionCore, error: BaseException) -> int | None:
    if RemoteTraceback.of(error) is None:
        return None  # no call's own
    ends = ((n, f) for n, f in enumerate(core.futures) if f.done() and not f.cancelled())
    return next((n for n, future in ends if future.exception() is error), None)


def _what_is_kept(core: SessionCore) -> str:
    tally = core.tasks.tally
    kept = "while this local environment runs" if core.connection.local else "in the bucket"
    found = tally.done - tally.failed - tally.cancelled
    again = f"starburst.attach({core.id!r})"
    # Workers that stop commit what they have, and a result that cannot be read here is one.
    others = not all(map(ended_by_itself, core.futures))
    if not (found or others):
        return (
            f"no call has a result; inputs are kept {kept}: {again}.cleanup(force=True) erases them"
        )
    so_far = " so far" if others else ""
    return (
        f"{found:,} of {tally.total:,} calls have a result{so_far}, kept {kept}: "
        f"{again}.collect(wait=False, return_exceptions=True); "
        f"{again}.cleanup(force=True) erases them"
    )


# What Python says of wrong arguments, and help(), should name what people call.
map_over.__name__ = map_over.__qualname__ = "map"
map_over.__module__ = "starburst"

"""Sending again: the ranges of a session that have neither a result nor a worker at them.

The controller asks for it when a session makes no progress (its rule is in
``starburst.controller.workers.stalls``); a worker does it, for it alone holds the key that opens
ledgers and nodes. Whatever hid or deleted a message, or kept it from being sent, the objects in S3
say what is left to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from threading import Event
from typing import Final

from starburst._protocol.sealed.chunks import ChunkMessage, LedgerEntry, pack_name
from starburst.aws.calls import outlast
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.objects.store import NoSuchChunk, Store
from starburst.worker.settings.timings import TICK_SECONDS

from .lease import Leases

__all__ = ["send_again"]

_MISSING_MOST: Final = 64
"""Packs in a row that are not there: numbers of those that a client could not store, or the end."""

_AT_ONCE: Final = 8
_TOGETHER: Final = 200


def send_again(
    leases: Leases,
    store: Store,
    *,
    live: frozenset[str],
    tick: Callable[[], None],
    clock: Clock = SYSTEM_CLOCK,
) -> int:
    """Queue what has neither a result nor a live worker; return how many messages that were.

    Args:
        leases: the session's queue.
        store: its objects.
        live: ECS task ids of the workers that run.
        tick: called between requests, to keep what this worker holds.
        clock: by which requests are waited for.
    """
    sent = 0
    held: list[ChunkMessage] = []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="starburst-requeue") as pool:
        for message in _left(store, live, pool=pool, tick=tick, clock=clock):
            held.append(message)
            if len(held) == _TOGETHER:
                leases.hand_on(held)
                sent, held = sent + len(held), []
    leases.hand_on(held)
    return sent + len(held)


def _left(
    store: Store,
    live: frozenset[str],
    *,
    pool: Executor,
    tick: Callable[[], None],
    clock: Clock,
) -> Iterator[ChunkMessage]:
    number, missing = 0, 0
    while missing < _MISSING_MOST:
        number += 1
        tick()
        try:
            entries = outlast(partial(store.ledger, pack_name(number)))
        except NoSuchChunk:
            missing += 1
            continue
        except IntegrityError as error:
            report_unverified(error, pack=pack_name(number))
            continue
        finally:
            tick()
        missing = 0
        following = iter(entries.values())
        walks: deque[Future[list[ChunkMessage]]] = deque()
        given_up = Event()
        try:
            while True:
                # No more than are walked soon, so that who gives up waits for few.
                for entry in islice(following, 2 * _AT_ONCE - len(walks)):
                    walks.append(pool.submit(_left_of, store, entry, live, given_up=given_up))
                if not walks:
                    break
                while not clock.is_done(walks[0], within=TICK_SECONDS):
                    tick()  # a chunk may have tens of thousands of nodes
                tick()
                yield from walks.popleft().result()
        finally:
            given_up.set()
            for walk in walks:
                walk.cancel()


def _left_of(
    store: Store, entry: LedgerEntry, live: frozenset[str], *, given_up: Event
) -> list[ChunkMessage]:
    """Walk the nodes of a chunk; return messages for the ranges that lead nowhere."""
    found: list[ChunkMessage] = []
    waiting = [(0, entry.tasks)]
    while waiting and not given_up.is_set():
        lo, hi = waiting.pop()
        try:
            children = outlast(partial(store.children, entry.name, lo, hi))
        except IntegrityError as error:
            # Nobody can put a result there any more; the client ends its tasks with that.
            report_unverified(error, result=entry.name, range=[lo, hi])
            continue
        if children is not None:
            waiting += children
        elif not _in_hand(store, entry.name, lo, hi, live=live):
            found.append(
                ChunkMessage(
                    chunk=entry.name,
                    lo=lo,
                    hi=hi,
                    pack=entry.name.partition("-")[0],
                    offset=entry.offset,
                    length=entry.length,
                    inline=None,
                    again=True,
                )
            )
    return found


def _in_hand(store: Store, chunk: str, lo: int, hi: int, *, live: frozenset[str]) -> bool:
    """Whether a worker that runs has written down that it is at this range."""
    # ECS's metadata names a container: the task's id, a dash, and a number.
    began = store.attempts.workers((chunk, lo, hi))
    return any(name in live or name.partition("-")[0] in live for name in began)

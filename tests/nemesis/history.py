"""What happened in a run, and whether all of it was allowed.

A task is *accepted* once its pack is stored, *started* as often as its function was entered,
*committed* by the node that settles it, and *collected* by its future. Every accepted task is
collected once, with what its committed node says; a value is committed only after a start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starburst._codec import decode_batch
from starburst._protocol.sealed.chunks import LedgerEntry
from starburst._protocol.sealed.result_nodes import ResultNode, open_node, parse_node_key
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from tests.runtime.fleet import BUCKET

from .plan import POISONS, Plan
from .workload import starts

__all__ = ["History", "check"]


@dataclass(kw_only=True)
class History:
    """One run.

    Attributes:
        plan: what was to happen.
        expected: what each task had to end with: a value, or the type of an exception.
        outcomes: what each future ended with.
        collected: what ``collect`` returned at first, and when it was asked again.
        chunks: the tasks of each chunk, as the client's ledger has them.
        keys, key, s3: where the commits are.
        deliveries: every lease that was handed out.
        sent: how many messages there were for each range.
        directory: where the tasks noted their starts.
        waiting: messages left when all was done.
        errors: what ended a worker that nobody killed.
        most_workers: the most that were alive at once, and the most that were asked for.
        late: by how many seconds workers outlived the deadline of a session that was abandoned.
    """

    plan: Plan
    expected: list[object]
    outcomes: list[object]
    collected: list[list[object]]
    chunks: Mapping[str, LedgerEntry]
    keys: SessionKeys
    key: bytes
    s3: Any
    deliveries: list[str]
    sent: Counter[str]
    directory: Path
    waiting: int
    errors: list[BaseException]
    most_workers: tuple[int, int]
    wrong: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    nodes: dict[tuple[str, int, int], ResultNode | None] = field(default_factory=dict)


def check(history: History) -> list[str]:
    """Return what broke an invariant, in words; nothing where all held."""
    wrong = [f"a worker died of {error!r}" for error in history.errors]
    if history.waiting:
        wrong.append(f"{history.waiting} messages are still in the queue")
    if history.most_workers[0] > history.most_workers[1]:
        wrong.append("{} workers at once, of {} asked for".format(*history.most_workers))
    wrong += _outcomes(history)
    wrong += _commits(history)
    wrong += _agreement(history)
    wrong += _starts(history)
    return wrong


def _outcomes(history: History) -> Iterator[str]:
    """Walk the futures: each accepted task has one, with what had to come of it, collected once."""
    accepted = [
        task
        for entry in history.chunks.values()
        for task in range(entry.first, entry.first + entry.tasks)
    ]
    if sorted(accepted) != list(range(len(history.expected))):
        yield f"accepted were {sorted(accepted)} of {len(history.expected)} tasks"
    if len(history.outcomes) != len(history.expected):
        yield f"{len(history.outcomes)} of {len(history.expected)} accepted tasks have a future"
    for index, (outcome, wanted) in enumerate(
        zip(history.outcomes, history.expected, strict=False)
    ):
        fits = isinstance(outcome, wanted) if isinstance(wanted, type) else outcome == wanted
        if not fits:
            kind = history.plan.kinds[index]
            yield f"task {index} ({kind}) ended with {outcome!r}, not {wanted!r}"
    first, again = history.collected
    if first != history.outcomes or again:
        yield f"collected were {len(first)} and then {len(again)} of {len(history.outcomes)} tasks"


def _commits(history: History) -> Iterator[str]:
    """Walk the committed nodes: each task once, each key once, no node that nobody handed out."""
    history.nodes = dict(_nodes(history))
    reached: set[tuple[str, int, int]] = set()
    for name, entry in history.chunks.items():
        settled: Counter[int] = Counter()
        front = [(0, entry.tasks)]
        while front:
            lo, hi = front.pop()
            if (name, lo, hi) not in history.nodes:
                yield f"tasks {lo}-{hi} of {name} have no committed result"
                continue
            reached.add((name, lo, hi))
            node = history.nodes[name, lo, hi]
            settled.update(range(lo, hi if node is None else node.covered))
            front += [] if node is None else node.children
        twice = [task for task, count in settled.items() if count > 1]
        if twice:
            yield f"tasks {twice} of {name} have two committed results"
    unreached = history.nodes.keys() - reached
    if unreached:
        yield f"committed, and nobody handed it out: {sorted(unreached)}"
    versions = history.s3.list_object_versions(Bucket=BUCKET, Prefix=history.keys.results)
    count = Counter(version["Key"] for version in versions.get("Versions", []))
    for key, times in count.items():
        if times > 1:
            yield f"{key} was written {times} times"


def _agreement(history: History) -> Iterator[str]:
    """Compare what each future ended with to what its committed node says."""
    outcomes = dict(enumerate(history.outcomes))
    for (chunk, lo, hi), node in history.nodes.items():
        entry = history.chunks.get(chunk)
        if entry is None:
            continue
        told = _told(node, lo, hi)
        for task, said in told.items():
            outcome = outcomes.get(entry.first + task)
            agree = isinstance(outcome, said) if isinstance(said, type) else outcome == said
            if not agree:
                yield f"task {entry.first + task} ended with {outcome!r}; committed was {said!r}"


def _told(node: ResultNode | None, lo: int, hi: int) -> dict[int, object]:
    """Return what a node says of each task; of one that cannot be verified nothing is believed."""
    if node is None:
        return dict.fromkeys(range(lo, hi), IntegrityError)
    said: dict[int, object] = {}
    for batch in node.batches:
        data = memoryview(b"".join(batch.parts))
        said.update(enumerate(decode_batch(batch.format, data, mode="data"), batch.first))
    return said | dict.fromkeys(node.failures, BaseException)


def _nodes(history: History) -> Iterator[tuple[tuple[str, int, int], ResultNode | None]]:
    pages = history.s3.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=BUCKET, Prefix=history.keys.results):
        for found in page.get("Contents", []):
            place = parse_node_key(history.keys, found["Key"])
            if place is None:
                continue
            chunk, lo, hi = place
            body = history.s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
            session = history.keys.session
            try:
                yield (
                    place,
                    open_node(body, session=session, chunk=chunk, lo=lo, hi=hi, key=history.key),
                )
            except IntegrityError:
                yield place, None


def _starts(history: History) -> Iterator[str]:
    """Check that no poison was tried oftener than its messages and its attempts allow.

    A message for several tasks is run by its first receiver only: who gets it again cuts it up, or
    queues anew what was handed on while it ran. A message for one task is run ``attempts`` times at
    most. One run enters a task that takes its worker down once, and one that takes its own process
    down ``attempts`` times. So without other faults a poison is started at most ``attempts`` times,
    plus once for each time that its range was cut, or handed on around it, where it takes workers
    down. Its neighbours run again with it: execution is at-least-once.
    """
    runs: Counter[int] = Counter()
    leases: Counter[int] = Counter()
    delivered = Counter(history.deliveries)
    for name, messages in history.sent.items():
        first, lo, hi = _tasks(history, name)
        most = messages if hi - lo > 1 else messages * history.plan.attempts
        for task in range(first + lo, first + hi):
            runs[task] += min(most, delivered[name])
            leases[task] += delivered[name]
    started = Counter(starts(history.directory))
    for task, count in started.items():
        kind = history.plan.kinds[task] if task < len(history.plan.kinds) else ""
        if not leases[task]:
            yield f"task {task} was started {count} times and nobody had leased it"
        allowed = runs[task] * (1 if kind == "fatal" else history.plan.attempts)
        if kind in POISONS and count > allowed:
            yield f"task {task} ({kind}) was started {count} times; {allowed} are allowed"
    for task, outcome in enumerate(history.outcomes):
        succeeded = not isinstance(outcome, BaseException | str)
        if succeeded and not started[task]:
            yield f"task {task} has a result and was never started"


def _tasks(history: History, name: str) -> tuple[int, int, int]:
    """Return the number of the first task of a range's chunk, and the range."""
    chunk, _, span = name.partition(":")
    lo, _, hi = span.partition("-")
    return history.chunks[chunk].first, int(lo), int(hi)

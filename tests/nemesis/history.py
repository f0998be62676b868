"""What happened in a run, and whether all of it was allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starburst.chunks import LedgerEntry
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.result_nodes import ResultNode, open_node, parse_node_key
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
        chunks: the tasks of each chunk, as the client's ledger has them.
        keys, key, s3: where the commits are.
        deliveries: every lease that was handed out.
        directory: where the tasks noted their starts.
        waiting: messages left when all was done.
        errors: what ended a worker that nobody killed.
    """

    plan: Plan
    expected: list[object]
    outcomes: list[object]
    chunks: Mapping[str, LedgerEntry]
    keys: SessionKeys
    key: bytes
    s3: Any
    deliveries: list[str]
    directory: Path
    waiting: int
    errors: list[BaseException]
    nodes: dict[tuple[str, int, int], ResultNode | None] = field(default_factory=dict)


def check(history: History) -> list[str]:
    """Return what broke an invariant, in words; nothing where all held."""
    wrong = [f"a worker died of {error!r}" for error in history.errors]
    if history.waiting:
        wrong.append(f"{history.waiting} messages are still in the queue")
    wrong += _outcomes(history)
    wrong += _commits(history)
    wrong += _starts(history)
    return wrong


def _outcomes(history: History) -> Iterator[str]:
    if len(history.outcomes) != len(history.expected):
        yield f"{len(history.outcomes)} of {len(history.expected)} accepted tasks have a future"
    for index, (outcome, wanted) in enumerate(
        zip(history.outcomes, history.expected, strict=False)
    ):
        fits = isinstance(outcome, wanted) if isinstance(wanted, type) else outcome == wanted
        if not fits:
            kind = history.plan.kinds[index]
            yield f"task {index} ({kind}) ended with {outcome!r}, not {wanted!r}"


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
    strays = history.nodes.keys() - reached
    if strays:
        yield f"committed, and nobody handed it out: {sorted(strays)}"
    versions = history.s3.list_object_versions(Bucket=BUCKET, Prefix=history.keys.results)
    count = Counter(version["Key"] for version in versions.get("Versions", []))
    for key, times in count.items():
        if times > 1:
            yield f"{key} was written {times} times"


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
    """Check that no poison was tried oftener than its leases and its attempts allow.

    Its neighbours run again whenever it takes their process down: execution is at-least-once.
    """
    leases: Counter[int] = Counter()
    for delivery in history.deliveries:
        chunk, _, span = delivery.partition(":")
        lo, _, hi = span.partition("-")
        first = history.chunks[chunk].first
        leases.update(range(first + int(lo), first + int(hi)))
    for task, count in Counter(starts(history.directory)).items():
        allowed = leases[task] * history.plan.attempts
        if count > allowed and history.plan.kinds[task] in POISONS:
            yield f"task {task} was started {count} times; its leases allow {allowed}"
    for task, outcome in enumerate(history.outcomes):
        succeeded = not isinstance(outcome, BaseException | str)
        if succeeded and task not in set(starts(history.directory)):
            yield f"task {task} has a result and was never started"

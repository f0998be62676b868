"""Sessions that never were: what their workers would have told, from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from starburst._client.history.course import Course
from starburst._client.reporting.facts import Facts
from starburst._client.tasks.task_list import Tally
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst._protocol.sealed.spans import Span
from tests.manifests import a_manifest
from tests.statuses import a_status

__all__ = ["BEGAN", "HOSTILE", "facts", "failure", "node"]

BEGAN = 1_700_000_000.0
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>\x1b[31m\u202e'\"&"


def failure(name: str = "ValueError", text: str = "no such gene") -> Failure:
    trace = f"Traceback (most recent call last):\n{name}: {text}\n"
    return Failure(type_name=name, text=text, traceback=trace, builtin=False, kind="raised")


def node(
    spans: list[Span],
    *,
    worker: str = "w",
    failures: Mapping[int, Failure] | None = None,
    tasks: int | None = None,
) -> ResultNode:
    count = sum(span.count for span in spans) if tasks is None else tasks
    return ResultNode(
        lo=0,
        hi=count,
        covered=count,
        children=(),
        batches=(),
        failures=dict(failures or {}),
        retries=sum(span.retries for span in spans),
        seconds=sum(span.seconds for span in spans),
        worker=worker,
        spans=spans,
    )


def facts(
    *,
    workers: int = 4,
    tasks: int = 80,
    mean: float = 2.0,
    text: str = "no convergence",
    said: str = "Gene('TP53')",
    late: Mapping[int, float] | None = None,
    seed: int = 1,
) -> Facts:
    """Return what is known of a session whose tasks took about ``mean`` seconds.

    Args:
        workers: how many, which begin 70 s after the session.
        tasks: how many; each tenth fails, each seventh runs again.
        mean: seconds of a task.
        text: of errors, of the session's name and of what else people choose.
        said: what each task was called with.
        late: tasks that take so many seconds.
        seed: of the times.
    """
    generator, course = random.Random(seed), Course()  # noqa: S311 - times, no secrets
    clocks = [BEGAN + 70 + generator.random() for _ in range(workers)]
    failed = 0
    for first in range(0, tasks, 20):
        worker = clocks.index(min(clocks))
        spans: list[Span] = []
        failures: dict[int, Failure] = {}
        for index in range(min(20, tasks - first)):
            number = first + index
            seconds = (late or {}).get(number, mean * generator.uniform(0.6, 1.4))
            again = int(number % 7 == 3)
            spans.append(
                Span(
                    first=index,
                    count=1,
                    began=clocks[worker],
                    seconds=seconds,
                    peak=700 + number % 90,
                    retries=again,
                    input=said,
                )
            )
            clocks[worker] += seconds
            if number % 10 == 4:
                failures[index] = failure("ValueError" if number % 20 == 4 else "lib.Broken", text)
        failed += len(failures)
        course.take(first, node(spans, worker=f"{worker:032x}", failures=failures))
    billed = sum(clocks) - workers * BEGAN
    manifest = a_manifest(workers=workers, created=BEGAN, labels={"name": text, "study": text})
    status = a_status(worker_seconds=billed, usd=billed * 2e-5, workers_started=workers)
    return Facts(
        environment="prod",
        local=False,
        manifest=manifest,
        status=replace(status, workers_lost=1),
        tally=Tally(total=tasks, done=tasks, failed=failed),
        story=course.story(),
        now=max(clocks) + 3600,
        hour_usd=(0.058, 0.029),
        smaller=(2, 0.049),
    )

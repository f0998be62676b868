"""1 GB of float64 results: sealing, and the whole way against raw boto3 on the same endpoint."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

import starburst
from starburst._client.access.connection import connect
from starburst._protocol.sealed.envelope import Header, seal, unseal
from starburst.local import LocalEnvironment

from .harness import FLEET, Row, warm
from .shares import Shares, counted
from .work import block

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["measure"]

_SEAL_RATE = 1.0
_SHARE = 0.80
_HEADER = Header(session="a" * 20, kind="result", name="c1", attempt=1, format="results")


def measure(local: LocalEnvironment, *, megabytes: int = 32, tasks: int = 32) -> list[Row]:
    """Return the rows of this workload: ``tasks`` results of so many megabytes each."""
    return [_sealing(megabytes, tasks), *_whole_way(local, megabytes, tasks)]


def _sealing(megabytes: int, count: int) -> Row:
    plain = memoryview(block(megabytes)).cast("B")
    key = os.urandom(32)
    sealed = seal([plain], key=key, header=_HEADER)
    size = count * plain.nbytes / 1e9
    sealing = _cpu(lambda: seal([plain], key=key, header=_HEADER), count)
    unsealing = _cpu(lambda: unseal(sealed, key=key, expect=_HEADER), count)
    slowest = size / max(sealing, unsealing)
    return Row(
        workload=f"seal, and unseal, {size:.1f} GB of float64 on one core",
        goal=f"≥ {_SEAL_RATE:g} GB/s",
        ours=f"{size / sealing:.2f} and {size / unsealing:.2f} GB/s",
        theirs="",
        met=slowest >= _SEAL_RATE,
    )


def _cpu(work: Callable[[], object], count: int) -> float:
    """Return the CPU seconds of ``count`` calls, the best of three."""
    times = []
    for _ in range(3):
        began = time.process_time()
        for _ in range(count):
            work()
        times.append(time.process_time() - began)
    return min(times)


def _whole_way(local: LocalEnvironment, megabytes: int, tasks: int) -> list[Row]:
    raw_times, our_times = [], []
    raw_shares, our_shares = Shares(), Shares()
    s3 = local.client(local.analyst_session(), "s3")
    for _ in range(2):
        session = starburst.session(**FLEET)
        try:
            warm(session)
            for future in session.map(block, [megabytes] * 2):
                future.result()
            with counted() as shares:
                raw_times.append(_raw(s3, session.manifest.keys.inputs, megabytes, tasks))
            raw_shares = shares if raw_times[-1] == min(raw_times) else raw_shares
            with counted() as shares:
                began = time.perf_counter()
                results = [f.result() for f in session.map(block, [megabytes] * tasks)]
                our_times.append(time.perf_counter() - began)
            our_shares = shares if our_times[-1] == min(our_times) else our_shares
            wrong = any(not np.array_equal(result, block(megabytes)) for result in results)
            if wrong:
                raise SystemExit("wrong arrays: the time of a wrong run means nothing")
            del results
        finally:
            session.cleanup(force=True)
    size = megabytes * tasks
    mine, raw = size / min(our_times), size / min(raw_times)
    return [
        Row(
            workload=f"{size / 1000:.1f} GB of float64 results, end to end",
            goal=f"≥ {_SHARE:.0%} of raw boto3",
            ours=f"{mine:.0f} MB/s",
            theirs=f"boto3 put and get: {raw:.0f} MB/s",
            ratio=f"{mine / raw:.0%}",
            met=mine >= _SHARE * raw,
        ),
        Row(workload="… CPU time", goal="", ours=str(our_shares), theirs=str(raw_shares)),
    ]


def _raw(s3: S3Client, prefix: str, megabytes: int, count: int) -> float:
    """Return how long plain boto3 takes to put and get as many bytes, one object after another."""
    bucket = connect().document.bucket
    body = block(megabytes).tobytes()
    began = time.perf_counter()
    for number in range(count):
        s3.put_object(Bucket=bucket, Key=f"{prefix}raw-{number}", Body=body)
    for number in range(count):
        if s3.get_object(Bucket=bucket, Key=f"{prefix}raw-{number}")["Body"].read() != body:
            raise SystemExit("boto3 got something else than it put")
    return time.perf_counter() - began

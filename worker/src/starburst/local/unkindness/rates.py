"""Throttles at AWS's real rates, of buckets that an account's other users drain too.

Each bucket holds so many tokens and gets so many back each second. All of an account in a Region
draw on them, so by chance others have drained some of it, for ten seconds at a time.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html (Fargate's launches),
https://docs.aws.amazon.com/general/latest/gr/ssm.html (Parameter Store),
https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html and throttling.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance

__all__ = ["BUCKETS", "Bucket", "Rates"]

_SPELL_SECONDS: Final = 10.0
_BUSY_SPELLS: Final = 0.08
_UNAVAILABLE: Final = 503


def _one(_: Call) -> int:
    return 1


def _tasks(call: Call) -> int:
    count: Any = call.words.get("count", 1)
    return int(count)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """One bucket of tokens.

    Attributes:
        service: whose calls draw on it.
        operations: which calls.
        burst: tokens that it holds.
        rate: tokens that it gets each second.
        code, message, status: of the refusal.
        cost: tokens of a call.
        prefixed: one for each prefix of S3's keys.
    """

    service: str
    operations: frozenset[str]
    burst: int
    rate: int
    code: str = "ThrottlingException"
    message: str = "Rate exceeded"
    status: int = 400
    cost: Callable[[Call], int] = _one
    prefixed: bool = False


def _ecs(burst: int, rate: int, *operations: str, **more: Any) -> Bucket:
    return Bucket(service="ecs", operations=frozenset(operations), burst=burst, rate=rate, **more)


def _s3(rate: int, *operations: str) -> Bucket:
    return Bucket(
        service="s3",
        operations=frozenset(operations),
        burst=rate,
        rate=rate,
        code="SlowDown",
        message="Please reduce your request rate.",
        status=_UNAVAILABLE,
        prefixed=True,
    )


BUCKETS: Final = (
    _ecs(50, 20, "DescribeClusters", "ListClusters"),
    _ecs(50, 20, "DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"),
    _ecs(20, 10, "TagResource", "UntagResource"),
    _ecs(100, 40, "ExecuteCommand", "RunTask", "StartTask", "StopTask"),
    _ecs(100, 20, "DescribeTasks", "ListTasks", "DescribeContainerInstances"),
    _ecs(100, 20, "RunTask", cost=_tasks),
    Bucket(
        service="ssm",
        operations=frozenset({"GetParameter", "GetParameters", "GetParametersByPath"}),
        burst=40,
        rate=40,
    ),
    Bucket(
        service="kms",
        operations=frozenset({"Decrypt", "Encrypt", "GenerateDataKey"}),
        burst=10_000,
        rate=10_000,
        message="You have exceeded the rate at which you may call KMS. Reduce the frequency of "
        "your calls.",
    ),
    _s3(3500, "PutObject", "CopyObject", "DeleteObject", "DeleteObjects"),
    _s3(5500, "GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions"),
)


@dataclass
class Rates(Kind):
    """Refuses calls that find their bucket empty.

    Attributes:
        chance: of the run; None for an account with no other user.
    """

    chance: Chance | None = None
    _left: dict[tuple[Bucket, str], tuple[float, float]] = field(default_factory=dict)

    def before(self, call: Call) -> Answer | None:
        """Draw on the buckets of a call."""
        for number, bucket in enumerate(BUCKETS):
            if call.service == bucket.service and call.operation in bucket.operations:
                self._draw(number, bucket, call)
        return None

    def _draw(self, number: int, bucket: Bucket, call: Call) -> None:
        prefix = call.text("Key").rpartition("/")[0] if bucket.prefixed else ""
        left, seen = self._left.get((bucket, prefix), (float(bucket.burst), call.at))
        left = min(bucket.burst, left + bucket.rate * max(0.0, call.at - seen))
        if self._drained(number, call.at):
            left = 0.0
        cost = bucket.cost(call)
        enough = left >= cost
        self._left[bucket, prefix] = (left - cost if enough else left, call.at)
        if not enough:
            raise Refused(bucket.code, bucket.message, status=bucket.status)

    def _drained(self, number: int, at: float) -> bool:
        """Whether others have just taken all there was."""
        if self.chance is None:
            return False
        spell = int(at // _SPELL_SECONDS)
        drained = self.chance.number("spell", number, spell) < _BUSY_SPELLS
        # In a spell of ten seconds, others take all in some of them.
        return drained and self.chance.number("second", number, int(at)) < 0.5  # noqa: PLR2004

"""The judge of make joblib-check: what is not there, not run or deselected did not pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.joblib_check import judge
from tests.joblib_check.broken import WAYS, broken

JUDGED = "what speaks of n_jobs"


def counts(passed: int, *, failed: int = 0, deselected: int = 0, lost: int = 0) -> dict[str, Any]:
    total = passed + failed + deselected + lost
    names = [f"t{number}" for number in range(total)]
    return {
        "collected": names,
        "passed": names[:passed],
        "failed": names[passed : passed + failed],
        "deselected": dict.fromkeys(names[passed + failed : passed + failed + deselected], "why"),
        "skipped": {},
        "late": [],
    }


@pytest.mark.parametrize(
    ("found", "enough"),
    [
        (counts(99, failed=1), True),
        (counts(98, failed=2), False),
        (counts(98, deselected=2), False),
        (counts(98, lost=2), False),
        (counts(0), False),
    ],
)
def test_whatever_did_not_pass_counts_as_failed(found: dict[str, Any], enough: bool) -> None:
    assert judge.is_enough(JUDGED, found) is enough
    assert ("good" if enough else "BAD") in [*judge.table([("x", JUDGED, found)])][1]


def test_what_never_ran_is_named() -> None:
    assert [*judge.details(counts(1, lost=1))] == ["  never ran   t1"]


class Backend:
    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, Exception):
            raise out
        return out


def test_each_broken_backend_is_broken() -> None:
    assert broken(Backend, "") is None
    late, deaf = (broken(Backend, way) for way in WAYS)
    assert late is not None
    assert deaf is not None
    backend: Any = late()
    assert [backend.retrieve_result_callback(each) for each in ([1], [2], [3])] == [[1], [1], [2]]
    assert deaf().retrieve_result_callback(ZeroDivisionError()) == []

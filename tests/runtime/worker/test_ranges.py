"""Ranges: however a chunk is split, its nodes cover each task exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starburst._client.options import SessionOptions
from starburst._client.tasks.chunking import plan
from starburst._protocol.sealed.result_nodes import (
    Batch,
    ResultNode,
    node_key,
    open_node,
    parse_node_key,
    split,
)
from starburst.contract import SessionKeys
from starburst.errors import ConfigurationError, IntegrityError

KEYS = SessionKeys(workspace="study", user="alice", session="a" * 20)
KEY = bytes(range(32))


@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(1, 300))
def test_split_covers_its_range_without_overlap(lo: int, length: int, size: int) -> None:
    ranges = split(lo, lo + length, size=size)
    assert ranges[0][0] == lo
    assert ranges[-1][1] == lo + length
    assert all(a < b for a, b in ranges)
    assert [b for _, b in ranges[:-1]] == [a for a, _ in ranges[1:]]
    assert len(ranges) <= 64


@given(st.lists(st.integers(0, 6 << 20), max_size=60), st.integers(1, 70))
def test_plan_puts_every_task_in_one_chunk(sizes: list[int], most: int) -> None:
    chunks = list(plan(sizes, most=most))
    assert [i for a, b in chunks for i in range(a, b)] == list(range(len(sizes)))
    assert all(b - a <= most for a, b in chunks)
    assert all(b - a == 1 or sum(sizes[a:b]) <= 4 << 20 for a, b in chunks)


def test_node_keys_round_trip_and_nothing_else_parses() -> None:
    key = node_key(KEYS, "p000001-00003", lo=4, hi=100)
    assert parse_node_key(KEYS, key) == ("p000001-00003", 4, 100)
    for name in ("p1/4-100", "p1/000004-000100/x", "p1", "/000000-000001", "p1/000000--00001"):
        assert parse_node_key(KEYS, KEYS.results + name) is None


def node(lo: int, hi: int, covered: int, children: tuple[tuple[int, int], ...]) -> ResultNode:
    batches = [Batch(first=lo, count=covered - lo, format="data", parts=[b"x"])]
    return ResultNode(
        lo=lo,
        hi=hi,
        covered=covered,
        children=children,
        batches=batches if covered > lo else [],
        failures={},
    )


@pytest.mark.parametrize(
    ("covered", "children"),
    [
        (5, ()),  # leaves tasks out
        (5, ((6, 10),)),  # a gap
        (5, ((4, 10),)),  # an overlap
        (5, ((5, 8), (9, 10))),  # a gap between children
        (5, ((5, 12),)),  # more than the range
        (0, ((0, 10),)),  # itself again
    ],
)
def test_a_node_that_does_not_cover_its_range_is_refused(
    covered: int, children: tuple[tuple[int, int], ...]
) -> None:
    sealed = node(0, 10, covered, children).seal(
        session=KEYS.session, chunk="p000001-00000", key=KEY, attempt=1
    )
    with pytest.raises(IntegrityError, match="malformed"):
        open_node(sealed, session=KEYS.session, chunk="p000001-00000", lo=0, hi=10, key=KEY)


def test_a_node_cannot_stand_for_another_range_chunk_or_session() -> None:
    sealed = node(0, 10, 10, ()).seal(
        session=KEYS.session, chunk="p000001-00000", key=KEY, attempt=1
    )
    place = {"session": KEYS.session, "chunk": "p000001-00000", "lo": 0, "hi": 10}
    assert open_node(sealed, **place, key=KEY).covered == 10  # type: ignore[arg-type]
    for wrong in ({"hi": 9}, {"lo": 1}, {"chunk": "p000001-00001"}, {"session": "b" * 20}):
        with pytest.raises(IntegrityError):
            open_node(sealed, **{**place, **wrong}, key=KEY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"workers": 501}, "workers=501"),
        ({"workers": 0}, "workers=0"),
        ({"workers": True}, "workers=True"),
        ({"cpu": 3}, "cpu=3"),
        ({"cpu": 4, "memory": 4}, "memory=4"),
        ({"memory": "lots"}, "memory='lots'"),
        ({"timeout": 0}, "timeout=0"),
        ({"timeout": float("nan")}, "timeout=nan"),
        ({"retries": -1}, "retries=-1"),
        ({"retry_on": ConnectionError}, "retry_on=<class 'ConnectionError'>"),
        ({"retry_on": [7]}, "retry_on names 7"),
        ({"results": "joblib"}, "results='joblib'"),
        ({"capacity": "free"}, "capacity='free'"),
        ({"session_timeout": 0}, "session_timeout=0"),
        ({"max_usd": 0}, "max_usd=0"),
        ({"max_usd": float("nan")}, "max_usd=nan"),
    ],
)
def test_bad_options_are_refused_by_name_and_value(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SessionOptions(**options)  # type: ignore[arg-type]
    assert named in str(caught.value)


@pytest.mark.parametrize(("text", "gb"), [("8GB", 8), ("512MB", 0.5), ("2", 2), (" 4 gb ", 4)])
def test_memory_may_be_text(text: str, gb: float) -> None:
    cpu = 0.25 if gb < 2 else 1
    assert SessionOptions(cpu=cpu, memory=text).memory_gb == gb

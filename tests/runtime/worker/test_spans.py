"""What a task's process writes down of its tasks: long ones apart, short ones together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from starburst._protocol.sealed.spans import INPUT_LENGTH, read_spans
from starburst.worker.measuring.inputs import short_input
from starburst.worker.measuring.spans import Spans


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def told(*seconds: float, retried: tuple[int, ...] = ()) -> list[tuple[int, int, float, str]]:
    """Run tasks that take so long; return what is told of them."""
    clock = Clock()
    spans = Spans(now=clock, peak=lambda: 7)
    for index, each in enumerate(seconds, start=10):
        spans.begin(index)
        if index in retried:
            spans.retry()
            spans.begin(index)
        clock.now += each
        spans.end(lambda index=index: f"input {index}")  # type: ignore[misc]
    found = read_spans(spans.take())
    assert not spans.take()
    assert found[0].began == 100.0 or not seconds
    return [(s.first, s.count, round(s.seconds, 4), s.input) for s in found]


def test_long_tasks_are_told_one_by_one_with_their_inputs() -> None:
    assert told(1, 2) == [(10, 1, 1, "input 10"), (11, 1, 2, "input 11")]


def test_short_tasks_are_told_together_and_never_with_a_long_one() -> None:
    assert told(*[0.01] * 7, 3, 0.01) == [
        (10, 5, 0.05, ""),
        (15, 2, 0.02, ""),
        (17, 1, 3, "input 17"),
        (18, 1, 0.01, ""),
    ]


def test_what_is_told_grows_with_time_and_not_with_tasks() -> None:
    assert len(told(*[0.00001] * 20_000)) <= 0.2 / 0.05 + 1


def test_a_task_that_ran_again_is_told_alone() -> None:
    assert told(0.001, 0.001, 0.001, retried=(11,)) == [
        (10, 1, 0.001, ""),
        (11, 1, 0.001, "input 11"),
        (12, 1, 0.001, ""),
    ]


def test_the_peak_is_that_of_the_task_and_not_of_an_earlier_one() -> None:
    clock = Clock()
    spans = Spans(now=clock)
    for index, size in enumerate((200_000_000, 1)):
        spans.begin(index)
        block = bytearray(size)
        block[:] = bytes(1) * size
        del block
        clock.now += 1
        spans.end(str)
    large, small = read_spans(spans.take())
    assert large.peak > small.peak + 100


class Rude:
    def __repr__(self) -> str:
        raise AssertionError("nobody is to call this")

    @property
    def shape(self) -> Any:
        raise AssertionError("nor this")


class RudeList(list[int]):
    def __repr__(self) -> str:
        raise AssertionError("nor this")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), ""),
        ((7, None, True, 1.5), "7, None, True, 1.5"),
        (("chr1",), "'chr1'"),
        (("x" * 50,), f"'{'x' * 40}'… 10 more"),
        (((1, 2, 3, 4, 5, 6),), "(1, 2, 3, 4, … 6)"),
        (((1,),), "(1,)"),
        (([[[1]]],), "[[[… 1]]]"),
        (({"a": {"b": 1}},), "{'a': {'b': 1}}"),
        ((2**90,), "<int of 91 bits>"),
        ((np.zeros((3, 4)),), "<ndarray of 3 x 4>"),
        ((np.float64(2.5),), "2.5"),
        ((pd.DataFrame({"a": range(1000)}),), "<DataFrame of 1,000 x 1>"),
        ((Rude(), RudeList([1])), "<Rude>, <RudeList>"),
    ],
)
def test_inputs_are_told_in_short(args: tuple[object, ...], said: str) -> None:
    assert short_input(args, {}) == said


def test_keywords_are_told_and_long_inputs_are_cut() -> None:
    assert short_input((1,), {"window": "a"}) == "1, window='a'"
    assert len(short_input(tuple("x" * 40 for _ in range(9)), {})) <= INPUT_LENGTH
    assert "\x1b" not in short_input(("\x1b[31m",), {"\x1b": 1})

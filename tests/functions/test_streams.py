"""Each task has random numbers of its own, and nobody gets another's in silence."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from random import gauss
from typing import Any

import numpy as np
import pytest

import starburst
from starburst._functions.ordinary.generators import RepeatedRandomWarning
from starburst._functions.ordinary.streams import begin_task, end_task
from starburst._functions.payload import dump_function, dump_input
from starburst.errors import ConfigurationError


@pytest.fixture
def _outside() -> Iterator[None]:
    yield
    end_task()


@pytest.mark.usefixtures("_outside")
def test_a_task_has_the_numbers_of_its_seed_and_its_number_alone() -> None:
    def draw(seed: int, number: int) -> tuple[float, float, float]:
        begin_task(seed, number)
        return (
            float(starburst.rng().normal()),
            starburst.rng("random").random(),
            float(starburst.rng().normal()),
        )

    first = [draw(7, number) for number in range(20)]
    assert [draw(7, number) for number in reversed(range(20))] == first[::-1]
    assert len({number for numbers in first for number in numbers}) == 60
    assert draw(8, 0) not in first
    spawned = np.random.SeedSequence(7).spawn(4)[3]
    assert first[3][0] == np.random.default_rng(spawned).normal()
    end_task()
    assert starburst.rng(seed=7, task=3).normal() == first[3][0]
    assert starburst.rng("random", seed=7, task=3).random() == first[3][1]


@pytest.mark.usefixtures("_outside")
def test_who_asks_again_goes_on_and_who_names_a_task_begins() -> None:
    begin_task(7, 3)
    assert starburst.rng() is starburst.rng()
    assert starburst.rng("random") is starburst.rng("random")
    assert starburst.rng(task=3).normal() == starburst.rng(task=3).normal()
    end_task()
    assert starburst.rng() is starburst.rng()
    assert starburst.rng(seed=1).normal() == starburst.rng(seed=1, task=0).normal()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "torch"}, "neither 'numpy' nor 'random'"),
        ({"seed": -1}, "below 0"),
        ({"seed": 1.5}, "no whole number"),
        ({"task": True, "seed": 1}, "no whole number"),
        ({"task": 1}, "without seed="),
    ],
)
def test_an_argument_that_says_nothing_is_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        starburst.rng(**arguments)


def test_without_numpy_the_other_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ConfigurationError, match=r"starburst.rng\('random'\)"):
        starburst.rng(seed=3)
    assert starburst.rng("random", seed=3).random() < 1


class Model:
    def __init__(self) -> None:
        self.random = random.Random(3)  # noqa: S311

    def run(self, _: int) -> float:
        return self.random.random()


NUMBERS = np.random.default_rng(3)
LEGACY = np.random.RandomState(3)


class Generator:
    """As of torch, which is not installed here."""

    __module__ = "torch._C"


OF_TORCH = Generator()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: NUMBERS, r"carries a numpy.random.Generator \(the global 'NUMBERS'\)"),
        (lambda: LEGACY, r"numpy.random.RandomState \(the global 'LEGACY'\)"),
        (lambda: gauss(0, 1), r"random.Random \(the global 'gauss'\)"),
        (lambda: OF_TORCH, r"torch.Generator \(the global 'OF_TORCH'\)"),
        (Model().run, r"Model.run carries a random.Random.*starburst.rng\(\).*seed="),
        (NUMBERS.normal, r"Generator \(its object\)"),
    ],
)
def test_a_generator_that_would_be_copied_is_named(
    monkeypatch: pytest.MonkeyPatch, function: Any, said: str
) -> None:
    monkeypatch.setattr("starburst._functions.caller._said", set())  # this line has warned already
    with pytest.warns(RepeatedRandomWarning, match=said):
        dump_function(function)


def test_inputs_with_a_generator_each_are_as_they_should_be() -> None:
    generators = np.random.default_rng(5).spawn(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, generator in enumerate(generators):
            dump_input(((number, generator), {}))
        drawn = np.random.default_rng(6)
        for _ in range(3):
            dump_input(((drawn,), {}))
            drawn.normal()
        dump_function(lambda: random.SystemRandom().random())
        dump_function(lambda: (np.random.default_rng(1).normal(), random.choice))


def test_the_same_generator_in_several_inputs_is_told_of() -> None:
    generator = random.Random(4)  # noqa: S311
    dump_input(((0, generator), {}))
    with pytest.warns(RepeatedRandomWarning, match=r"the same random\.Random, in the same state"):
        dump_input(((1, generator), {}))

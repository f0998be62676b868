"""A few seconds of what ``make fuzz`` does for as long as one likes, and who watches the watch."""

from __future__ import annotations

import pickle
import sys
import time
from functools import cache

import pytest

from tests.fuzz import watch as watching
from tests.fuzz.doors import DOORS, Door
from tests.fuzz.engine import sweep
from tests.fuzz.seeds import seeds
from tests.fuzz.watch import Finding, Watch
from tests.some import some

ROUNDS = 150


@cache
def watch() -> Watch:
    return Watch()


def test_no_door_does_anything_but_read_or_refuse() -> None:
    found: list[Finding] = []

    def one(name: str, data: bytes) -> Finding | None:
        finding = watch().read(name, data)
        found.extend([finding] if finding else [])
        return finding

    done = sweep(one, count=ROUNDS * len(DOORS), seed=20261122)
    assert done == ROUNDS * len(DOORS)
    assert not found, found[0]


def test_every_door_lets_its_seeds_in() -> None:
    assert seeds().keys() == DOORS.keys()
    for name, each in seeds().items():
        assert all(watch().read(name, data) is None for data in some(each)), name


def wrong_type(data: bytes) -> object:
    return {}[data]


def imports(data: bytes) -> object:
    sys.modules.pop("colorsys", None)
    return __import__("colorsys")


def unpickles(data: bytes) -> object:
    return pickle.loads(pickle.dumps(Door))  # noqa: S301 - the very thing to be noticed


def executes(data: bytes) -> object:
    return eval("1 + 1")  # noqa: S307 - likewise


def accepts(data: bytes) -> object:
    return data


def dawdles(data: bytes) -> object:
    until = time.process_time() + 0.01
    while time.process_time() < until:
        pass
    return data


@pytest.mark.parametrize(
    ("door", "what"),
    [
        (Door(wrong_type), "KeyError"),
        (Door(imports), "did import"),
        (Door(unpickles), "did pickle.find_class"),
        (Door(executes), "did compile"),
        (Door(accepts, sealed=True), "accepted"),
        (Door(dawdles), "slow"),
    ],
)
def test_the_watch_notices(door: Door, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes = watch()  # which knows the honest doors
    monkeypatch.setattr(watching, "_SLOW_SECONDS", 0.005)
    monkeypatch.setitem(DOORS, "envelope", door)
    finding = eyes.read("envelope", b"anything")
    assert finding is not None
    assert what in finding.what

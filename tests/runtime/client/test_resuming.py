"""A map with a name computes what no session of the name holds, and says what that is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.attaching import list_sessions
from starburst._client.mapping import map_over, starmap_over
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.contract import SessionKeys
from starburst.errors import ConfigurationError
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import core
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")


def noted(task: tuple[int, str]) -> int:
    number, folder = task
    with Path(folder, "runs").open("a") as file:
        file.write(f"{number}\n")
    return number * 10


def fails_on_even(task: tuple[int, str]) -> int:
    number = noted(task)
    if number % 20 == 0 and Path(task[1], "bad").exists():
        raise ValueError(f"{number} is bad")
    return number


def tasks(folder: Path, numbers: range) -> list[tuple[int, str]]:
    return [(number, str(folder)) for number in numbers]


def runs(folder: Path) -> list[int]:
    """Return what ran since the last look."""
    found = sorted(map(int, (folder / "runs").read_text().split()))
    (folder / "runs").write_text("")
    return found


@pytest.fixture(autouse=True)
def _ended(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the controller's word on each session that was stopped."""

    def stop(keys: SessionKeys) -> dict[str, str]:
        answer = Fleet.stop(fleet, keys)
        said = a_status(session=keys.session).to_json()
        fleet.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=said)
        return answer

    monkeypatch.setattr(fleet, "stop", stop)


@pytest.fixture
def burst(connection: Connection, tmp_path: Path) -> Callable[..., list[Any]]:
    (tmp_path / "runs").touch()
    return functools.partial(map_over, environment=connection, workers=1, resume="fit")


def test_what_is_there_is_not_computed_again(
    burst: Callable[..., list[Any]],
    connection: Connection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert burst(noted, tasks(tmp_path, range(20))) == [n * 10 for n in range(20)]
    assert runs(tmp_path) == [*range(20)]
    assert capsys.readouterr().err == ""
    (first,) = list_sessions(connection)
    assert burst(noted, tasks(tmp_path, range(20))) == [n * 10 for n in range(20)]
    assert runs(tmp_path) == []
    assert len(list_sessions(connection)) == 1, "where all is there, nothing begins"
    said = capsys.readouterr().err
    assert f"resume='fit': 20 of 20 results are there (session {first.id}), 0 are" in said


def test_only_new_and_changed_inputs_are_computed_wherever_they_stand(
    burst: Callable[..., list[Any]], tmp_path: Path
) -> None:
    burst(noted, tasks(tmp_path, range(10)))
    runs(tmp_path)
    mixed = [tasks(tmp_path, range(20))[n] for n in (3, 15, 4, 16, 0, 9, 17)]
    assert burst(noted, mixed) == [30, 150, 40, 160, 0, 90, 170]
    assert runs(tmp_path) == [15, 16, 17]
    assert burst(noted, mixed) == [30, 150, 40, 160, 0, 90, 170], "of two sessions"
    assert runs(tmp_path) == []


def test_equal_inputs_are_as_many_calls(burst: Callable[..., list[Any]], tmp_path: Path) -> None:
    (one,) = tasks(tmp_path, range(1))
    burst(noted, [one, one])
    assert runs(tmp_path) == [0, 0]
    assert burst(noted, [one, one, one]) == [0, 0, 0]
    assert runs(tmp_path) == [0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kwargs": {"by": 3}}, "another function"),
        ({"env": {"LEVEL": "3"}}, "another environment and initializer"),
        ({"resume": "other"}, ""),
    ],
)
def test_what_is_made_of_something_else_is_computed_and_said(
    burst: Callable[..., list[Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    said: str,
) -> None:
    burst(scaled, tasks(tmp_path, range(3)))
    runs(tmp_path)
    burst(scaled, tasks(tmp_path, range(3)), **change)
    assert runs(tmp_path) == [0, 1, 2]
    assert said in capsys.readouterr().err


def scaled(task: tuple[int, str], by: int = 2) -> int:
    return noted(task) * by


def test_what_failed_is_computed_again(burst: Callable[..., list[Any]], tmp_path: Path) -> None:
    (tmp_path / "bad").touch()
    with pytest.raises(ValueError, match="0 is bad"):
        burst(fails_on_even, tasks(tmp_path, range(6)))
    runs(tmp_path)
    (tmp_path / "bad").unlink()
    assert burst(fails_on_even, tasks(tmp_path, range(6))) == [n * 10 for n in range(6)]
    assert runs(tmp_path) == [0, 2, 4]


class KilledError(BaseException):
    """Stands for the end of the process: nothing is cleaned up after it."""


def test_a_session_that_still_runs_is_stopped_and_what_it_has_is_taken(
    burst: Callable[..., list[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its client has died: its tasks are there, and half of them are done."""

    def killed(session: Session, **_: bool) -> None:
        for future in session.futures[:5]:
            future.result(60)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Session, "collect", killed)
        patch.setattr("starburst._client.mapping.end_after", lambda *_, **__: None)
        with pytest.raises(KilledError):
            burst(noted, tasks(tmp_path, range(10)))
    assert burst(noted, tasks(tmp_path, range(10))) == [n * 10 for n in range(10)]
    assert len(runs(tmp_path)) <= 10 + 5
    assert "still ran, and was stopped" in capsys.readouterr().err


def draw(_: object) -> float:
    return float(starburst.rng().random())


def test_random_numbers_are_those_of_one_run(connection: Connection) -> None:
    whole = map_over(draw, range(6), environment=connection, workers=1, seed=7)
    burst = functools.partial(map_over, environment=connection, workers=1, resume="random")
    assert burst(draw, range(3), seed=7) == whole[:3]
    assert burst(draw, range(6)) == whole, "the rest has the seed of what is there"
    moved = burst(draw, [5, 4, 3, 2, 1, 0], seed=7)
    assert moved == whole, "with a seed of one's own a result belongs to its place"
    other = burst(draw, range(6), seed=8)
    assert not set(other) & set(whole)


def total(pair: tuple[Any, int]) -> float:
    return float(pair[0].sum()) + pair[1]


def test_what_inputs_share_is_known_by_its_content(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    burst = functools.partial(map_over, environment=connection, workers=1, resume="shared")
    array = np.ones(300_000)
    first = burst(total, [(array, n) for n in range(4)])
    capsys.readouterr()
    assert burst(total, [(np.ones(300_000), n) for n in range(5)]) == [*first, first[0] + 4]
    assert "4 of 5 results are there" in capsys.readouterr().err
    burst(total, [(array * 2, n) for n in range(4)])
    assert "4 of 4" not in capsys.readouterr().err


def test_results_that_can_run_code_are_not_taken_by_who_allows_data_only(
    burst: Callable[..., list[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    burst(noted, tasks(tmp_path, range(3)), results="pickle")
    runs(tmp_path)
    assert burst(noted, tasks(tmp_path, range(3))) == [0, 10, 20]
    assert runs(tmp_path) == [0, 1, 2]
    assert "results that can run code" in capsys.readouterr().err


def test_starmap_resumes_too(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert starmap_over(pow, [(2, 3), (3, 2)], environment=connection, resume="powers") == [
            8,
            9,
        ]
    assert "2 of 2 results are there" in capsys.readouterr().err


def test_a_manifest_tells_nobody_what_is_compared(
    burst: Callable[..., list[Any]], connection: Connection, tmp_path: Path
) -> None:
    """Equal work has other marks in each session: who has no key of it learns nothing of it."""
    burst(noted, tasks(tmp_path, range(2)))
    burst(noted, tasks(tmp_path, range(3)))
    first, second = (each.manifest.labels for each in list_sessions(connection))
    assert first["starburst:resume"] == second["starburst:resume"] == "fit"
    assert first["starburst:made-of"] != second["starburst:made-of"]


@pytest.mark.parametrize("name", ["", "  ", 5, "x" * 201])
def test_what_is_no_name_is_refused(connection: Connection, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no name"):
        map_over(abs, [1], environment=connection, resume=name)
    assert not list_sessions(connection)


def test_sessions_without_the_name_are_left_alone(
    burst: Callable[..., list[Any]], connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.launch = False
    other = open_session(connection, SessionOptions(workers=1), progress=False)
    fleet.launch = True
    burst(noted, tasks(tmp_path, range(2)))
    assert core(other).tasks.ended is None
    assert len(list_sessions(connection)) == 2
    other.detach()

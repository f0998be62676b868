"""A file of this computer among the inputs is told before anything starts, and nothing else is."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import starburst
from starburst import ConfigurationError, PackagesRefused
from starburst._client.access.connection import LOCAL, Connection
from starburst._client.streams import local_paths
from starburst._client.streams.local_paths import LocalPaths
from starburst.contract import PackagesDocument

Looks = Callable[..., LocalPaths]


def named(path: object, *_: object) -> str:
    return str(path)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cohort.csv"
    path.write_text("a,b")
    return path


@pytest.fixture
def local(connection: Connection) -> Connection:
    return replace(connection, document=replace(connection.document, environment=LOCAL))


DOORS: dict[str, Callable[[Connection, Any], Any]] = {
    "map": lambda there, xs: starburst.map(named, xs, environment=there, progress=False),
    "imap": lambda there, xs: list(starburst.imap(named, xs, environment=there, progress=False)),
    "Executor.map": lambda there, xs: list(
        starburst.Executor(there, progress=False).map(named, xs, itertools.count())
    ),
}


@pytest.mark.parametrize("kind", ["path", "text", "tuple"])
@pytest.mark.parametrize("inputs", [list, iter], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("door", DOORS)
def test_a_file_here_is_refused_before_a_session_is_opened(
    door: str, inputs: Any, kind: str, file: Path, connection: Connection
) -> None:
    given = {"path": file, "text": str(file), "tuple": (1, file)}[kind]
    with pytest.raises(ConfigurationError) as caught:
        DOORS[door](connection, inputs([given]))
    assert str(caught.value) == (
        f"input {str(file)!r} is a file on this computer, and workers have no such file. Put it "
        "into the workspace's data and pass what that returns: "
        f"starburst.data.put({str(file)!r})"
    )
    assert not connection.s3.list_objects_v2(Bucket=connection.document.bucket).get("Contents")


@pytest.mark.parametrize("door", ["map", "imap"])
def test_a_session_that_is_open_refuses_it_too(
    door: str, file: Path, connection: Connection
) -> None:
    with starburst.session(connection, workers=1, progress=False) as session:
        with pytest.raises(ConfigurationError, match="is a file on this computer"):
            list(getattr(session, door)(named, [str(file)]))
        session.cleanup(force=True)


def test_a_later_file_of_a_stream_is_refused_at_its_turn(
    file: Path, connection: Connection
) -> None:
    taken: list[str] = []

    def stream() -> Iterator[str]:
        for each in ("x", str(file), "never read"):
            taken.append(each)
            yield each

    paths = LocalPaths(connection)
    values = iter(paths.among(stream()))
    assert next(values) == "x"
    with pytest.raises(ConfigurationError, match="is a file on this computer"):
        next(values)
    assert taken == ["x", str(file)]


@pytest.mark.parametrize(
    "value",
    [
        "s3://bucket/data/study/cohort.csv",
        "gene",
        "",
        "/no/such/file",
        "/etc/passwd",
        "x" * 5_000,
        "a\0b",
        "line\nline",
        PurePosixPath("no/such"),
        Path.cwd(),
        b"cohort.csv",
        3,
        None,
        [["cohort.csv"]],
    ],
)
@pytest.mark.usefixtures("file")
def test_what_is_no_file_here_is_not_spoken_of(value: Any, connection: Connection) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LocalPaths(connection).among([value, (value,)]) == [value, (value,)]
        assert [*LocalPaths(connection).among(iter([value]))] == [value]


def test_text_that_is_also_a_files_name_is_warned_of_once(
    file: Path, connection: Connection
) -> None:
    paths = LocalPaths(connection)

    def look() -> None:
        paths.among([file.name, file.name, "other"])
        list(paths.among(iter([file.name])))

    with pytest.warns(UserWarning, match=r"also the name of a file.*starburst\.data\.put") as said:
        look()
    assert len(said) == 1


def test_a_lax_local_environment_warns_once(file: Path, local: Connection) -> None:
    paths = LocalPaths()
    paths.among([file, file])

    def judge() -> None:
        paths.judge(local)
        paths.judge(local)

    with pytest.warns(UserWarning, match="those in AWS could not") as said:
        judge()
    assert len(said) == 1


def test_a_strict_local_environment_refuses(
    file: Path, local: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = PackagesDocument(image={"starburst": "1"})
    monkeypatch.setattr(local_paths, "read_document", lambda _: strict)
    with pytest.raises(ConfigurationError, match="workers have no such file"):
        LocalPaths(local).among([file])
    assert not issubclass(ConfigurationError, PackagesRefused)


def test_of_many_inputs_only_some_are_looked_for(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    def isfile(_: object) -> bool:
        nonlocal looked
        looked += 1
        return False

    monkeypatch.setattr(os.path, "isfile", isfile)
    many = [f"/data/{n}" for n in range(100_000)]
    assert LocalPaths(connection).among(many) is many
    assert sum(1 for _ in LocalPaths(connection).among(iter(many))) == len(many)
    assert looked <= 2_000


def test_a_file_among_the_last_of_many_is_found(file: Path, connection: Connection) -> None:
    many = ["x"] * 50_000 + [str(file)] * 50_000
    with pytest.raises(ConfigurationError):
        LocalPaths(connection).among(many)

"""A worker loads nothing with another library than it was pickled with, and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst._functions.capturing import named_of
from starburst._functions.payload import dump_function
from starburst._packages.agreeing import Worker
from starburst._packages.uses import Uses, versions_of
from starburst._protocol.sealed.code.functions import Function, open_function, write_function
from starburst._protocol.sealed.signing import SigningKey
from starburst.errors import VersionMismatch
from starburst.worker.child.versions import compare
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import ONE

HERE = np.__version__


@pytest.fixture
def session(connection: Connection, fleet: Fleet, forked: None) -> Iterator[Session]:
    session = open_session(connection, ONE, progress=False)
    yield session
    session.cleanup(force=True)


def means() -> Callable[[Any], float]:
    """Return a function whose pickle names a library, as one of a script or a notebook does."""
    library = np
    return lambda x: float(library.mean([x, x]))


def as_text(x: Any) -> str:
    return str(x)


FAILING: tuple[tuple[Callable[[Any], Any], Any], ...] = (
    *((means(), 1), (as_text, np.dtype("f4"))),
)


def imports(x: int) -> float:
    import numpy  # noqa: PLC0415 - runs elsewhere

    return float(numpy.mean([x]))


def at_client(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Have the client hold other versions than its workers do."""

    def told(named: frozenset[str]) -> Mapping[str, str]:
        return {**versions_of(named), **{n: v for n, v in versions.items() if n in named}}

    monkeypatch.setattr("starburst._client.tasks.functions.versions_of", told)


def test_a_function_and_inputs_of_another_series_are_not_loaded(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_client(monkeypatch, numpy="0.9.4")
    for function, value in FAILING:
        with pytest.raises(VersionMismatch) as caught:
            session.submit(function, value).result(timeout=60)
        said = str(caught.value)
        assert f"numpy 0.9.4 at the client and {HERE} on this worker" in said
        assert "packages=" in said
        assert "image" in said
    assert session.map(imports, [3])[0].result(timeout=60) == 3.0, "an import may be optional"


def test_what_agrees_is_loaded(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    at_client(monkeypatch, numpy=".".join(HERE.split(".")[:2]) + ".99rc1+cu9")
    assert session.submit(means(), 2).result(timeout=60) == 2.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "1.0.3"),
        ("2024.1.1", "2024.01.1"),
        ("2.1rc1", "2.1.0"),
        ("0!3.2", "3.2+cu9"),
        ("v3.2", "3.2"),
    ],
)
def test_one_version_in_two_spellings_is_one_to_client_and_worker(
    one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for here, there in ((one, other), (other, one)):
        Worker(image={"study": there}).check(Uses(sure={"study": here}, named={"study": here}))
        monkeypatch.setattr("importlib.metadata.version", lambda _, there=there: there)
        compare({"study": here})
    monkeypatch.setattr("importlib.metadata.version", lambda _: "3.9")
    with pytest.raises(VersionMismatch):
        Worker(image={"study": "3.9"}).check(Uses(named={"study": one}))
    with pytest.raises(VersionMismatch):
        compare({"study": one})


@pytest.mark.parametrize(
    ("theirs", "agree"),
    [
        *((HERE, True), ("0.1", False), ("1!0.1", False), ("", False)),
        (".".join(HERE.split(".")[:2]), True),
        ("1!" + HERE, False),
    ],
)
def test_the_first_two_numbers_decide(theirs: str, agree: bool) -> None:
    if agree:
        compare({"numpy": theirs})
    else:
        with pytest.raises(VersionMismatch, match="numpy"):
            compare({"numpy": theirs})


def test_what_starburst_needs_is_the_images_affair() -> None:
    compare({"boto3": "0.1", "starburst": "9.9"})
    with pytest.raises(VersionMismatch, match=r"no-such-thing 1\.0 at the client and none on this"):
        compare({"boto3": "0.1", "no-such-thing": "1.0"})


def test_only_what_a_pickle_names_is_compared() -> None:
    assert "numpy" in named_of(dump_function(means()))
    assert not named_of(dump_function(imports))
    assert not versions_of(frozenset({"json", "os.path", "starburst.errors"})).keys() - {
        "starburst"
    }


def written(**fields: Any) -> Callable[[], Function]:
    signer, key = SigningKey.generate(), bytes(32)
    body = write_function(
        Function(name="f1", pickle=b"p", **fields), session="s" * 20, key=key, signer=signer
    )
    return lambda: open_function(body, name="f1", session="s" * 20, key=key, public=signer.public)


def test_versions_travel_and_a_function_without_is_as_earlier_releases_write_it() -> None:
    assert written(versions={"numpy": "2.1"})().versions == {"numpy": "2.1"}
    assert written()().versions == {}


def test_a_missing_module_is_named_with_its_package(session: Session) -> None:
    def needs(_: int) -> None:
        raise ModuleNotFoundError("No module named 'sklearn_x'", name="sklearn_x")

    with pytest.raises(ModuleNotFoundError) as caught:
        session.submit(needs, 0).result(timeout=60)
    assert "This worker has no package 'sklearn_x': name it in packages=." in (
        caught.value.__notes__
    )

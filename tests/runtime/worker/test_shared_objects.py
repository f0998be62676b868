"""What tasks share: fetched and verified once a worker, read where it lies, kept within bounds."""

from __future__ import annotations

import dataclasses
import fcntl
import functools
import gc
import os
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from starburst._client.access.connection import Connection
from starburst._client.executor import StarburstExecutor
from starburst._client.mapping import map_over
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._protocol.sealed.code.functions import Function, ModuleFile
from starburst._protocol.sealed.code.parcels import Parcel
from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError, SessionEnded, WorkerLost
from starburst.worker.child.current import CurrentChild
from starburst.worker.child.process import Child
from starburst.worker.objects.kept import KeptObjects
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import chunks, flush, in_one_pack

ONE = SessionOptions(workers=1, idle_timeout=20)


def sizes(fleet: Fleet, prefix: str) -> list[int]:
    """Return how large what is stored below a prefix is."""
    found = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Size"] for entry in found.get("Contents", ())]


def noise(megabytes: int) -> np.ndarray[Any, Any]:
    """What no compression makes smaller."""
    return np.random.default_rng(7).random(megabytes << 17)


def look(array: Any, n: int) -> tuple[float, bool]:
    return float(array[n]), bool(array.flags.writeable)


def add_to(array: Any, n: int) -> float:
    array[0] += n
    return float(array[0])


def die(_: Any) -> None:
    os._exit(1)


@pytest.mark.usefixtures("forked")
def test_what_was_put_is_fetched_once_and_outlives_a_child(
    connection: Connection, fleet: Fleet
) -> None:
    x = noise(2)
    session = open_session(connection, ONE, progress=False)
    handle = session.put(x)
    before = [session.submit(look, handle, n) for n in range(3)]
    lost = session.submit(die, handle)
    after = [session.submit(look, [handle][0], n) for n in range(3)]
    code = session.map(lambda n: float(handle.value[n]), range(3))
    written = session.submit(add_to, handle, 1)
    own = [session.submit(add_to, x, 1) for _ in range(4)]  # found, and each task's own
    assert [future.result(60) for future in before + after] == 2 * [(x[n], False) for n in range(3)]
    assert [future.result(60) for future in code] == list(x[:3])
    assert {future.result(60) for future in own} == {x[0] + 1}
    assert isinstance(lost.exception(60), WorkerLost)
    with pytest.raises(ValueError, match="read-only"):
        written.result(60)
    keys = session.manifest.keys
    gets = [effect.facts["key"] for effect in fleet.effects.of("get")]
    objects = [key for key in gets if key.startswith(f"{keys.functions}o")]
    assert len(objects) == len(set(objects)) == 2
    session.cleanup()
    assert (handle.value == x).all()  # it is there for as long as the session's objects are
    session.cleanup(force=True)
    with pytest.raises(SessionEnded, match=session.id):
        session.put(x)


def is_clean(put: Any, array: Any, marker: str) -> bool:
    clean = "mark" not in put and array[0] == 0
    put["mark"], array[0] = 1, 1
    if not Path(marker).exists():
        Path(marker).touch()
        raise ValueError("the first attempt")
    return clean


@pytest.mark.usefixtures("forked")
def test_an_attempt_sees_nothing_of_what_another_has_changed(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = open_session(connection, dataclasses.replace(ONE, retries=1), progress=False)
    handle, x, marker = session.put({"a": 1}), np.zeros(1 << 18), str(tmp_path / "marker")
    futures = [session.submit(is_clean, handle, x, marker) for _ in range(4)]
    assert [future.result(60) for future in futures] == [True] * 4
    session.cleanup(force=True)


@pytest.mark.usefixtures("forked")
def test_inputs_that_carry_one_array_send_it_once(connection: Connection, fleet: Fleet) -> None:
    x = noise(2)
    sent: list[int] = []
    put_object = fleet.s3.put_object

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(fleet.s3, name)

        def put_object(self, **words: Any) -> Any:
            body = words["Body"]
            sent.append(len(body if isinstance(body, bytes) else body.getvalue()))
            return put_object(**words)

    counted = dataclasses.replace(connection, s3=Counting())  # type: ignore[arg-type]
    found: list[float] = map_over(
        lambda pair: float(pair[0][pair[1]]),
        [(x, n) for n in range(40)],
        environment=counted,
        workers=1,
        progress=False,
    )
    assert found == list(x[:40])
    assert sum(sent) < 1.2 * x.nbytes


class Model:
    def __init__(self, weight: int) -> None:
        self.weight = weight

    def times(self, n: int) -> int:
        return self.weight * n


def product(a: int, b: int) -> int:
    return a * b


SMALL: dict[str, Callable[[int], Callable[[int], int]]] = {
    "partial": lambda n: functools.partial(product, n),
    "lambda": lambda n: lambda m: n * m,
    "method": lambda n: Model(n).times,
    "object": lambda n: functools.partial(Model.times, Model(n)),
}


@pytest.mark.usefixtures("forked")
def test_small_functions_travel_with_their_tasks_and_none_is_kept(
    connection: Connection, fleet: Fleet
) -> None:
    tasks = 60
    with StarburstExecutor(connection, workers=1, progress=False) as pool:
        pool.submit(product, 0, 0).result(60)
        assert pool.session is not None
        session, futures, kept = pool.session, [], []
        for made in SMALL.values():
            flush(session)
            known = len(chunks(session))
            with in_one_pack(session):
                for n in range(tasks):
                    kept.append(weakref.ref(function := made(n)))
                    futures.append(pool.submit(function, 3))
                    del function
            flush(session)
            assert len(chunks(session)) - known <= 4  # as of plain calls, and not one each
        stored = sizes(fleet, session.manifest.keys.functions)
        assert [future.result(60) for future in futures] == 4 * [3 * n for n in range(tasks)]
        # What calls them, and at most those functions that all tasks of a kind have in common.
        assert len(stored) <= 3
        gc.collect()
        assert not [ref for ref in kept if ref() is not None]


def test_what_is_kept_is_bounded_sealed_and_let_go() -> None:
    read: list[str] = []

    def fetch(name: str) -> bytes:
        read.append(name)
        if name == "bad":
            raise IntegrityError("forged")
        return name[0].encode() * 400

    kept = KeptObjects(fetch, most=1000)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert kept.fetch([name], beside=())
    assert read == ["a", "b", "c", "b"]  # what was used longest ago goes first
    assert [name in kept for name in "abc"] == [True, True, False]
    assert not kept.fetch(["d"], beside=["a", "b"])
    assert kept.fetch(["e", "f", "g"], beside=())  # what one task needs is never refused here
    file = kept.file("g")
    assert os.pread(file, 9, 0) == b"g" * 9
    with pytest.raises(PermissionError):
        os.pwrite(file, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(file, 0)
    for _ in range(2):
        with pytest.raises(IntegrityError, match="forged"):
            kept.fetch(["bad"], beside=())
    assert read.count("bad") == 1  # what is damaged is not read for each task anew
    kept.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        fcntl.fcntl(file, fcntl.F_GETFD)


class Recording:
    """A child, as far as it is handed something."""

    def __init__(self) -> None:
        self.functions: set[str] = set()
        self.modules = ""
        self.told: list[tuple[str, Any]] = []

    def send(self, header: dict[str, Any], _: object) -> None:
        if header["do"] != "function":
            self.told.append((header["do"], header["names"]))

    def hand_over(self, name: str, file: int) -> None:
        assert os.fstat(file).st_size == 400
        self.told.append(("object", name))


class OneFunction:
    """Where functions come from: there is one, which needs an object."""

    def function(self, name: str) -> Function:
        return Function(name=name, pickle=needing("f"))

    def contents(self, files: Iterable[ModuleFile]) -> list[Buffer]:
        assert not [*files]
        return []


def needing(*names: str) -> bytes:
    return b"".join(Parcel(needs=names, sections=(b"",)).parts())


def test_a_child_gets_what_fits_and_its_tasks_run_in_so_many_parts() -> None:
    def fetch(name: str) -> bytes:
        if name == "bad":
            raise IntegrityError("forged")
        return b"x" * 400

    started: list[Recording] = []

    def start() -> Child:
        started.append(Recording())
        return cast(Child, started[-1])

    child = CurrentChild(OneFunction(), start=start, objects=KeptObjects(fetch, most=1000))
    tasks = [b"none", needing("a"), needing("f", "a"), needing("b"), needing("bad"), b"none"]
    child.knowing("function")
    assert child.equip("function", tasks) == 3
    assert started[0].told == [("object", "f"), ("object", "a")]
    assert child.equip("function", tasks[3:]) == 1
    assert started[0].told[2:] == [("forget", ["a"]), ("object", "b")]
    with pytest.raises(IntegrityError, match="forged"):
        child.equip("function", tasks[4:])
    assert child.equip("function", tasks[5:]) == 1
    child.child = None  # another one knows nothing
    child._handed.clear()
    child.knowing("function")
    assert child.equip("function", [needing("b")]) == 1
    assert started[1].told == [("object", "f"), ("object", "b")]

"""How a worker's processes begin: variables, threads, the initializer; and each task's stream."""

from __future__ import annotations

import contextvars
import logging
import os
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._functions.calls import CALL, call, with_function
from starburst._functions.ordinary.main_globals import leave
from starburst._functions.ordinary.variables import Surroundings
from starburst._functions.payload import dump_function, dump_input, load
from starburst._protocol.sealed.code.preparation import Preparation, preparation_key
from starburst._protocol.sealed.signing import SigningKey
from starburst.errors import ConfigurationError, InitializerFailed, IntegrityError, WrongArguments
from starburst.worker.child.beginning import Beginning
from starburst.worker.child.process import Child, ChildDied
from starburst.worker.child.range_run import RangeRun
from tests.manifests import a_manifest
from tests.runtime.fleet import BUCKET, Fleet

SECRET = "s3cr3t-of-the-study"


def draws(tries: str | None = None) -> tuple[float, float]:
    drawn = float(starburst.rng().normal()), starburst.rng("random").random()
    if tries is not None and not Path(tries).exists():
        Path(tries).touch()
        raise OSError("not yet")
    return drawn


def dies_once(tries: str) -> tuple[float, float]:
    drawn = float(starburst.rng().normal()), starburst.rng("random").random()
    if not Path(tries).exists():
        Path(tries).touch()
        os._exit(3)
    return drawn


@pytest.mark.usefixtures("forked")
def test_streams_depend_on_the_seed_and_the_number_and_nothing_else(
    connection: Connection, tmp_path: Path
) -> None:
    """Not on workers, chunks, retries or lost processes; who attaches is told the seed."""
    once = [
        (
            float(starburst.rng(seed=7, task=n).normal()),
            starburst.rng("random", seed=7, task=n).random(),
        )
        for n in range(8)
    ]
    inputs = [str(tmp_path / str(n)) if n == 3 else None for n in range(8)]
    options: dict[str, Any] = {"progress": False, "environment": connection, "seed": 7}
    assert starburst.map(draws, inputs, workers=3, retries=1, **options) == once
    session = open_session(connection, SessionOptions(workers=1, seed=7), progress=False)
    assert session.submit(draws).result(timeout=60) == once[0]  # in a pack of its own
    calls = [session.submit(dies_once, str(tmp_path / "dies")) for _ in range(1, 5)]
    assert [call.result(timeout=60) for call in calls] == once[1:5]
    assert attach_session(connection, session.id, progress=False).manifest.seed == 7
    session.cleanup()


class Counted:
    """Counts how often it is pickled."""

    times = 0

    def __reduce__(self) -> tuple[type[Counted], tuple[()]]:
        Counted.times += 1
        return Counted, ()


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("resume", [None, "study"])
def test_an_initializer_travels_as_it_was_checked(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, resume: str | None
) -> None:
    """Pickled once: what is hashed and looked through is what is sent."""
    monkeypatch.setattr(Counted, "times", 0)
    options: Any = {"initializer": keeps, "initargs": (Counted(),), "workers": 1, "resume": resume}
    assert starburst.map(abs, [-3], environment=connection, progress=False, **options) == [3]
    assert Counted.times == 1


def keeps(_: Counted) -> None:
    """Do nothing."""


def begins(path: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")


def sees(_: int) -> tuple[dict[str, str], int]:
    names = ("STUDY_TOKEN", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS", "TZ")
    return {name: os.environ.get(name, "") for name in names}, os.getpid()


def test_processes_begin_with_variables_and_the_initializer(
    connection: Connection, fleet: Fleet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "starburst")
    begun = tmp_path / "begun"
    options = SessionOptions(
        workers=1,
        cpu=2,
        memory=4,
        env={"STUDY_TOKEN": SECRET, "MKL_NUM_THREADS": "7", "TZ": "Asia/Tokyo"},
        initializer=begins,
        initargs=(str(begun),),
        idle_timeout=20,
    )
    session = open_session(connection, options, progress=False)
    session.map(sees, range(3))
    seen = session.collect(timeout=60)
    variables = {"OMP_NUM_THREADS": "2", "RAYON_NUM_THREADS": "2", "MKL_NUM_THREADS": "7"}
    expected = {**variables, "STUDY_TOKEN": SECRET, "TZ": "Asia/Tokyo"}
    assert [values for values, _ in seen] == [expected] * 3
    assert begun.read_text().split() == [str(seen[0][1])]
    assert session.manifest.seed is not None
    keys = session.manifest.keys
    objects = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=keys.prefix)["Contents"]
    assert preparation_key(keys) in {entry["Key"] for entry in objects}
    for entry in objects:
        body = fleet.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        assert SECRET.encode() not in body
    told = [repr(options), repr(session), repr(session.manifest), str(fleet.requests), caplog.text]
    assert not [text for text in told if SECRET in text]
    session.cleanup(force=True)
    assert "Contents" not in fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=keys.prefix)


SCRIPT: dict[str, Any] = {"__name__": "__main__"}
exec(  # noqa: S102 - our own text
    """
rate, held, kept, model = 1, [], [], None

def initializer():
    global model, fresh
    model, fresh = {"rate": rate}, "fresh"
    held.append("begun")

def f(x):
    return model, fresh, held, kept, rate + x

class Model:
    def run(self, x):
        return (fresh, x)
""",
    SCRIPT,
)


def test_what_the_initializer_of_a_script_sets_is_there_for_its_functions() -> None:
    initializer, arguments = dump_function(SCRIPT["initializer"]), dump_input(((), {}))
    SCRIPT["rate"] = 5  # is the functions' own, and what it was when the session began is not
    function, method = dump_function(SCRIPT["f"]), dump_function(SCRIPT["Model"]().run)
    process = Beginning(7, lambda: (load(initializer), Surroundings()), arguments)
    try:
        assert process.failure() is None
        for _ in range(2):  # the initializer runs once
            assert load(function)(1) == ({"rate": 1}, "fresh", ["begun"], [], 6)
            assert load(method)(2) == ("fresh", 2)
            args, _named = load(with_function(function, dump_input(((1,), {}))))
            assert load(CALL)(*args)[1] == "fresh"
            assert process.failure() is None
    finally:
        leave({})


def test_a_function_that_travels_with_its_call_finds_its_variables_as_they_were_sent() -> None:
    scope: dict[str, Any] = {"__name__": "__main__", "LEVEL": contextvars.ContextVar("LEVEL")}
    exec("def f():\n    LEVEL.set(LEVEL.get(0) + 1)\n    return LEVEL.get()", scope)  # noqa: S102
    function, data = dump_function(scope["f"]), dump_input(((), {}))
    assert [call(function, data) for _ in range(3)] == [1, 1, 1]


def refuses(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("begun\n")
    raise LookupError("no licence here")


@pytest.mark.usefixtures("forked")
def test_an_initializer_that_raises_fails_the_tasks_once_and_says_so(
    connection: Connection, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    with starburst.Executor(
        connection, workers=1, retries=3, initializer=refuses, initargs=[str(begun)]
    ) as pool:
        errors = [pool.submit(abs, n).exception(timeout=60) for n in (-1, -2)]
    for error in errors:
        assert isinstance(error, InitializerFailed)
        assert isinstance(error, BrokenExecutor)
        assert "the initializer raised LookupError: no licence here" in str(error)
        assert error.type_name == "LookupError"
        assert "in refuses" in str(error.__cause__)
    assert begun.read_text() == "begun\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"env": {"AWS_REGION": "x"}}, "may not set AWS_REGION: .*the worker's own"),
        ({"env": {"STARBURST_X": "x"}}, "STARBURST_X"),
        ({"env": {"ECS_X": "x"}}, "ECS_X"),
        ({"env": {"LD_PRELOAD": "x"}}, "LD_PRELOAD"),
        ({"env": {"TMPDIR": "x"}}, "TMPDIR"),
        ({"env": {"PYTHONPATH": "x"}}, "PYTHONPATH.*initializer="),
        ({"env": {"PYTHONHOME": "x"}}, "PYTHONHOME"),
        ({"env": {"LEVEL": 3}}, "gives LEVEL a value of type int; a variable's value is text"),
        ({"env": {"a=b": "x"}}, "no name of one"),
        ({"env": {"": "x"}}, "no name of one"),
        ({"env": {1: "x"}}, "no name of one"),
        ({"env": {"X": f"{SECRET}\0"}}, "a text that no variable can have"),
        ({"env": {"X": f"{SECRET}\ud800"}}, "a text that no variable can have"),
        ({"env": {"X": SECRET * 4000}}, r"holds 76,002 bytes, at most 65,536"),
        ({"env": [SECRET]}, "a list; it must be a dictionary"),
        ({"initializer": 3}, "cannot be called; pass a function"),
        ({"initializer": refuses}, "'path'"),
        ({"initializer": refuses, "initargs": "/x"}, "no tuple of arguments"),
        ({"initargs": (1,)}, "without initializer="),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**53}, "seed="),
        ({"seed": "x"}, "seed='x'"),
    ],
)
def test_what_processes_cannot_begin_with_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises((ConfigurationError, WrongArguments), match=said) as caught:
        SessionOptions(**options)
    assert SECRET not in str(caught.value)


def test_no_one_but_the_client_says_how_processes_begin() -> None:
    signer, stranger = SigningKey.generate(), SigningKey.generate()
    key, session = b"k" * 32, "a" * 20
    sent = Preparation(variables={"A": "b"}, function="f0", arguments=b"x")
    sealed = sent.seal(session=session, key=key, signer=signer)
    assert Preparation.open(sealed, session=session, key=key, public=signer.public) == sent
    for other in (
        {"session": "b" * 20, "key": key, "public": signer.public},
        {"session": session, "key": b"q" * 32, "public": signer.public},
        {"session": session, "key": key, "public": stranger.public},
    ):
        with pytest.raises(IntegrityError):
            Preparation.open(sealed, **other)  # type: ignore[arg-type]


def test_a_process_that_dies_as_it_begins_costs_its_task_and_not_the_worker() -> None:
    ended: list[str] = []

    def dies() -> Child:
        raise ChildDied("its process exited with code 127")

    run = RangeRun(
        manifest=a_manifest(attempts=2),
        function="f",
        inputs=[b"x"],
        lo=0,
        hi=1,
        child=dies,
        end_child=lambda: ended.append("ended"),
        tick=lambda: None,
        stopping=lambda: None,
    )
    run.run()
    node = run.node("worker")
    assert node is not None
    assert node.failures[0].kind == "lost"
    assert (
        "took its process down 2 times: its process exited with code 127" in node.failures[0].text
    )
    assert ended == ["ended"] * 2

"""What a session's client has named is what its tasks import, or they say why not."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst.errors import PackagesRefused, SessionError
from starburst.worker.packages import unpacked as module
from starburst.worker.packages.unpacked import Unpacked
from starburst.worker.stopping import Stopped
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE
from tests.runtime.wheels import a_list, a_wheel, named, put, unpacked

from .gift_tasks import looks, where, word

TOP = "starburst_test_gift"


@pytest.fixture
def made() -> Iterator[list[Unpacked]]:
    """What a test unpacked; it goes with the test."""
    held: list[Unpacked] = []
    yield held
    for each in held:
        each.close()


@pytest.fixture
def of_wheels(fleet: Fleet, made: list[Unpacked]) -> Callable[..., Unpacked]:
    """Returns what a worker makes of wheels."""

    def prepare(*wheels: Any, **changes: Any) -> Unpacked:
        listed = a_list(*put(fleet.s3, *wheels), **changes)
        found = unpacked(fleet.s3, listed, timings=fleet.timings)
        made.append(found)
        found.prepare()
        return found

    return prepare


@pytest.fixture
def burst(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Session]]:
    """Opens a session of one worker whose manifest names wheels."""
    opened: list[Session] = []

    def begin(*wheels: Any, **changes: Any) -> Session:
        named(fleet.s3, a_list(*(wheel for wheel, _ in wheels), **changes), monkeypatch)
        opened.append(open_session(connection, ONE, progress=False))
        return opened[-1]

    yield begin
    for session in opened:
        session.cleanup(force=True)


def test_a_task_imports_what_travelled_and_starts_its_commands(
    burst: Callable[..., Session], fleet: Fleet
) -> None:
    gift = a_wheel(
        TOP,
        {
            f"{TOP}/__init__.py": "WORD = 7\ndef main():\n    print('called')\n",
            f"{TOP}-1.2.3.dist-info/entry_points.txt": f"[console_scripts]\ngift = {TOP}:main\n",
        },
    )
    put(fleet.s3, gift)
    assert burst(gift).submit(looks, 0).result(timeout=60) == (*(7, "1.2.3", "7", "called"),)


def test_a_wheel_that_is_gone_fails_the_tasks_in_a_sentence_and_is_taken_once_it_is_back(
    burst: Callable[..., Session], fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.0)
    gift = a_wheel(TOP, {f"{TOP}.py": "WORD = 1"})
    session = burst(gift)
    with pytest.raises(PackagesRefused, match=f"{TOP}-1.2.3-py3-none-any.whl is not among") as told:
        session.submit(word, 0).result(timeout=60)
    assert "Start a new session" in str(told.value)
    put(fleet.s3, gift)
    assert session.submit(word, 0).result(timeout=60) == 1


@pytest.mark.timings(promised_seconds=0.1, unseen_seconds=0.05)
def test_a_wheel_that_s3_refuses_for_long_is_one_that_is_not_there(
    of_wheels: Callable[..., Unpacked], fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 does not tell a worker, which may not list packages, that a key does not exist."""
    get, asked = fleet.s3.get_object, []

    def get_object(**wanted: str) -> Any:
        if wanted["Key"].startswith("packages/"):
            asked.append(wanted["Key"])
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return get(**wanted)

    monkeypatch.setattr(fleet.s3, "get_object", get_object)
    found = of_wheels(a_wheel(TOP, {f"{TOP}.py": ""}))
    assert found.failure is not None
    assert "is not among the workspace's packages" in found.failure.text
    assert len(asked) > 1, "a policy may have been on its way"


def test_what_travelled_comes_before_what_the_image_has(
    burst: Callable[..., Session], fleet: Fleet
) -> None:
    """But for what the process of tasks itself has imported: that stays whole."""
    ours = a_wheel("cloudpickle", {"cloudpickle/__init__.py": "raise SystemExit('shadowed')"})
    theirs = a_wheel("colorama", {"colorsys.py": "WHERE = 'travelled'"})
    put(fleet.s3, ours, theirs)
    assert burst(ours, theirs).submit(where, 0).result(timeout=60) == "travelled"


def test_data_of_a_wheel_go_where_an_installer_puts_them(
    of_wheels: Callable[..., Unpacked],
) -> None:
    top = f"{TOP}-1.2.3.data"
    found = of_wheels(
        a_wheel(
            TOP,
            {
                f"{top}/purelib/{TOP}/__init__.py": "",
                f"{top}/platlib/{TOP}/more.py": "",
                f"{top}/scripts/run": "#!python\nprint('ran')\n",
                f"{top}/data/share/{TOP}.txt": "text",
                f"{top}/headers/x.h": "",
            },
        )
    )
    folder = Path(found.folder)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "bin/run",
        f"share/{TOP}.txt",
        f"{TOP}-1.2.3.dist-info/METADATA",
        f"{TOP}/__init__.py",
        f"{TOP}/more.py",
    ]
    done = subprocess.run([folder / "bin" / "run"], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "ran\n"


def test_packages_are_fetched_once_and_their_wheels_do_not_stay(
    of_wheels: Callable[..., Unpacked], fleet: Fleet
) -> None:
    found = of_wheels(*(a_wheel(f"p{n}", {f"p{n}.py": f"N = {n}"}) for n in range(20)))
    fleet.s3.delete_object(Bucket=BUCKET, Key=found._wheels._manifest.keys.manifest)
    found.prepare()
    assert found.failure is None
    assert os.listdir(Path(found.folder).parent) == [Path(found.folder).name]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"python": "3.1"}, "for Python 3.1, and this"), ({"architecture": None}, "for machines of")],
)
def test_wheels_of_another_python_or_machine_are_refused(
    of_wheels: Callable[..., Unpacked], changes: dict[str, Any], said: str
) -> None:
    wheel, body = a_wheel(TOP, {f"{TOP}.py": ""})
    if "architecture" in changes:
        own = a_list().architecture
        changes = {"architecture": "ARM64" if own == "X86_64" else "X86_64"}
        wheel = module_with(wheel, filename=f"{TOP}-1.2.3-cp311-cp311-manylinux_2_28_x.whl")
    found = of_wheels((wheel, body), **changes)
    assert found.failure is not None
    assert said in found.failure.text


def module_with(wheel: Any, **changes: Any) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    return replace(wheel, **changes)


def test_a_disk_without_room_is_said(
    of_wheels: Callable[..., Unpacked], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = functools.partial(type("Usage", (), {}))

    def small(_: object) -> Any:
        told = usage()
        told.free = (64 << 20) + 5000  # type: ignore[attr-defined]
        return told

    monkeypatch.setattr("starburst.worker.packages.unpacked.shutil.disk_usage", small)
    found = of_wheels(a_wheel(TOP, {f"{TOP}.py": "x = 1\n" * 2000}))
    assert found.failure is not None
    assert "no room for its packages" in found.failure.text
    assert "scratch_gb=" in found.failure.text
    assert found.folder == ""


def test_a_disk_that_fills_up_meanwhile_is_said(
    of_wheels: Callable[..., Unpacked], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("starburst.worker.packages.unpacked.unpack", full)
    found = of_wheels(a_wheel(TOP, {f"{TOP}.py": ""}))
    assert found.failure is not None
    assert "scratch_gb=" in found.failure.text
    assert type(found.failure.rebuild()) is PackagesRefused


@pytest.mark.parametrize("error", [Stopped(), OSError(5, "Input/output error")])
def test_what_ends_a_worker_meanwhile_leaves_nothing_on_the_disk(
    fleet: Fleet, error: BaseException, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr("starburst.worker.packages.unpacked.unpack", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = unpacked(fleet.s3, a_list(*put(fleet.s3, a_wheel(TOP, {f"{TOP}.py": ""}))))
    expected = Stopped if isinstance(error, Stopped) else SessionError
    with pytest.raises(expected):
        found.prepare()
    assert list(tmp_path.iterdir()) == []


def test_two_wheels_that_cannot_lie_together_are_refused_by_name(
    of_wheels: Callable[..., Unpacked],
) -> None:
    found = of_wheels(a_wheel("a", {"thing": "a file"}), a_wheel("b", {"thing/in": "a folder"}))
    assert found.failure is not None
    assert "b-1.2.3-py3-none-any.whl cannot be unpacked" in found.failure.text


def test_a_worker_tells_how_long_its_packages_took(
    of_wheels: Callable[..., Unpacked], capsys: pytest.CaptureFixture[str]
) -> None:
    of_wheels(a_wheel(TOP, {f"{TOP}.py": ""}))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]
    assert [(line["event"], line["wheels"]) for line in told] == [("unpacked", 1)]

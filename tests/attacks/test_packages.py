"""What comes of packages that are not what a client signed, or that somebody made to do harm.

Who may write a workspace's packages may write bad ones. No worker may take one for another, write
outside of its folder, or fall to a bomb; and the analyst and the security officer both hear of it.
"""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starburst._protocol.packages import Wheel, package_list_key
from starburst.contract import TAMPERING
from starburst.errors import IntegrityError
from starburst.worker.packages import unpacking
from starburst.worker.packages.unpacked import Unpacked
from tests.runtime.conftest import fleet, sdk
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.wheels import KEYS, WORKSPACE, a_list, a_wheel, packed, put, unpacked

__all__ = ["fleet", "sdk"]

NAME = "gift-1.2.3-py3-none-any.whl"


@pytest.fixture
def refused(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any
) -> Callable[[Unpacked], str]:
    """Returns what an analyst reads of packages that a worker refuses, and has reported."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def read(found: Unpacked) -> str:
        found.prepare()
        assert found.folder == ""
        assert found.failure is not None
        error = found.failure.rebuild()
        assert type(error) is IntegrityError
        lines = [
            json.loads(line) for line in capsys.readouterr().out.split("\n") if line[:1] == "{"
        ]
        assert [line["event"] for line in lines] == [TAMPERING]
        assert list(tmp_path.iterdir()) == [], "something of it is on the disk"
        return str(error)

    return read


def gift(**files: str) -> tuple[Wheel, bytes]:
    return a_wheel("gift", {f"{name}.py": text for name, text in files.items()})


def test_another_file_under_a_wheels_hash_is_not_unpacked(
    fleet: Fleet, refused: Callable[[Unpacked], str]
) -> None:
    wheel, body = gift(good="x = 1")
    listed = a_list(wheel)
    for other in (bytes(len(body)), body[:-9], body[:-1] + b"x", gift(good="x = 2")[1], b""):
        fleet.s3.put_object(Bucket=BUCKET, Key=wheel.key(WORKSPACE), Body=other)
        said = refused(unpacked(fleet.s3, listed))
        assert f"{NAME} in the workspace's packages" in said


def test_a_list_that_was_swapped_is_not_read(
    fleet: Fleet, refused: Callable[[Unpacked], str]
) -> None:
    (good,), (bad,) = put(fleet.s3, gift(good="")), put(fleet.s3, gift(bad=""))
    found = unpacked(fleet.s3, a_list(bad), digest=a_list(good).digest)
    assert "not the one that was signed" in refused(found)


def test_a_list_that_was_taken_away_is_missed(
    fleet: Fleet, refused: Callable[[Unpacked], str]
) -> None:
    found = unpacked(fleet.s3, a_list(*put(fleet.s3, gift(good=""))))
    fleet.s3.delete_object(Bucket=BUCKET, Key=package_list_key(KEYS))
    assert "the list of packages is missing" in refused(found)


def a_link(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "path",
    [
        *("../out", "a/../../out", "/out", "a//b", "./a", "a/.", "C:/out", "a\\..\\out", ".."),
        *("gift-1.2.3.data/scripts/../../../out", "gift-1.2.3.data/data//etc/x", "x" * 2000),
    ],
)
def test_no_path_leads_out_of_the_folder(
    fleet: Fleet, refused: Callable[[Unpacked], str], path: str
) -> None:
    wheel = a_wheel("gift", body=packed({"good.py": "", path: "out"}))
    said = refused(unpacked(fleet.s3, a_list(*put(fleet.s3, wheel))))
    assert f"{NAME} holds the path" in said


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_no_link_and_no_device_is_made(
    fleet: Fleet, refused: Callable[[Unpacked], str], kind: int
) -> None:
    files: dict[str | zipfile.ZipInfo, str | bytes] = {a_link("way", kind): "/etc", "way/x": ""}
    wheel = a_wheel("gift", body=packed(files))
    said = refused(unpacked(fleet.s3, a_list(*put(fleet.s3, wheel))))
    assert "a link or a device at 'way'" in said


def test_a_bomb_is_known_before_it_is_unpacked(
    fleet: Fleet, refused: Callable[[Unpacked], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_RATIO_FROM_BYTES", 1 << 20)
    wheel = a_wheel("gift", {f"{n}.bin": bytes(4 << 20) for n in range(2)})
    said = refused(unpacked(fleet.s3, a_list(*put(fleet.s3, wheel))))
    assert "bytes and would have 8,388," in said


def test_a_file_that_lies_about_its_size_fills_no_disk(fleet: Fleet) -> None:
    wheel, body = a_wheel("gift", {"big.py": bytes(1 << 20)})
    size = (1 << 20).to_bytes(4, "little")
    assert body.count(size) == 2
    lying = a_wheel("gift", body=body.replace(size, (16).to_bytes(4, "little")))
    found = unpacked(fleet.s3, a_list(*put(fleet.s3, lying)))
    found.prepare()
    assert found.failure is not None
    assert f"{wheel.filename} cannot be unpacked (BadZipFile" in found.failure.text


def test_too_many_files_are_too_many(
    fleet: Fleet, refused: Callable[[Unpacked], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_MOST_ENTRIES", 10)
    wheel = a_wheel("gift", {f"{n}.py": "" for n in range(10)})
    assert "has 11 files" in refused(unpacked(fleet.s3, a_list(*put(fleet.s3, wheel))))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_there_once_too_often(
    fleet: Fleet, refused: Callable[[Unpacked], str]
) -> None:
    """Readers of zip files take the first, or the last."""
    twice = packed({zipfile.ZipInfo("a.py"): "good", zipfile.ZipInfo("a.py"): "bad"})
    said = refused(unpacked(fleet.s3, a_list(*put(fleet.s3, a_wheel("gift", body=twice)))))
    assert "holds 'a.py' twice" in said


def test_what_is_no_wheel_is_refused_in_a_sentence(fleet: Fleet) -> None:
    found = unpacked(fleet.s3, a_list(*put(fleet.s3, a_wheel("gift", body=os.urandom(3000)))))
    found.prepare()
    assert found.failure is not None
    assert "it is no sound wheel" in found.failure.text

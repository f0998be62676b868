"""Putting: each file whole or not at all, what it replaces is said, and a refusal says who may."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starburst import AccessDenied, ConfigurationError, SessionError, data, home
from starburst._client.access.connection import Connection
from starburst._files import sending
from tests.files.conftest import BUCKET, Refusing

Keys = Callable[[], dict[str, bytes]]
Refused = Callable[..., Connection]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """S3's smallest parts, so that what is sent by parts is small."""
    size = 5 << 20
    monkeypatch.setattr(sending, "PART_BYTES", size)
    return size


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.csv", "sub/b.csv", "store.zarr/.zattrs"):
        path = tmp_path / "cohort" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "cohort"


def test_a_folder_is_put_with_all_that_is_in_it(
    folder: Path, connection: Connection, keys: Keys
) -> None:
    assert data.put(folder, environment=connection) == "s3://bucket/data/study/cohort/"
    assert data.put(folder, "x/y", environment=connection) == "s3://bucket/data/study/x/y/"
    assert home.put(folder, environment=connection) == "s3://bucket/home/study/alice/cohort/"
    assert keys() == {
        f"{place}{name}": name.encode()
        for place in ("data/study/cohort/", "data/study/x/y/", "home/study/alice/cohort/")
        for name in ("a.csv", "sub/b.csv", "store.zarr/.zattrs")
    }


def test_whatever_holds_bytes_is_put(folder: Path, connection: Connection, keys: Keys) -> None:
    there: Any = {"environment": connection}
    data.put(str(folder / "a.csv"), **there)
    data.put(folder / "a.csv", "named.csv", **there)
    data.put(folder / "a.csv", "within/", **there)
    data.put(memoryview(b"view"), "view", **there)
    data.put(io.BytesIO(b"file"), "file", **there)
    assert keys() == {
        "data/study/a.csv": b"a.csv",
        "data/study/named.csv": b"a.csv",
        "data/study/within/a.csv": b"a.csv",
        "data/study/view": b"view",
        "data/study/file": b"file",
    }


def test_an_open_file_stays_open(connection: Connection) -> None:
    file = io.BytesIO(b"x")
    data.put(file, "x", environment=connection)
    assert not file.closed


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("/no/such", "there is no file or folder"),
        (os.devnull, "is no file or folder"),
        (io.StringIO("text"), "reads str, not bytes"),
        ([1, 2], "a list cannot be put"),
    ],
)
def test_what_cannot_be_put_is_told(source: Any, why: str, connection: Connection) -> None:
    with pytest.raises(ConfigurationError, match=why):
        data.put(source, "x", environment=connection)


def test_a_link_to_a_folder_and_an_empty_folder_are_not_left_out_in_silence(
    folder: Path, connection: Connection, tmp_path: Path, keys: Keys
) -> None:
    (tmp_path / "empty").mkdir()
    (folder / "loop").symlink_to(folder)
    with pytest.raises(ConfigurationError, match="link to a folder"):
        data.put(folder, environment=connection)
    with pytest.raises(ConfigurationError, match="no file in"):
        data.put(tmp_path / "empty", environment=connection)
    assert keys() == {}


def test_what_is_replaced_becomes_a_version_and_is_said(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in (b"one", b"two"):
        data.put(body, "x\x7f"[:1], environment=connection)
    said = capsys.readouterr()
    assert said.err == "starburst: replaced x; what it held is an older version now\n"
    assert said.out == ""
    versions = connection.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len(versions) == 2


def test_only_what_a_folder_replaces_is_said(
    folder: Path, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    data.put(b"old", "cohort/sub/b.csv", environment=connection)
    data.put(b"other", "cohort/sub/c.csv", environment=connection)
    data.put(folder, environment=connection)
    assert "replaced cohort/sub/b.csv; what it held" in capsys.readouterr().err


def test_what_is_large_goes_by_parts_with_the_checksum_of_the_whole(
    connection: Connection, small_parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = os.urandom(2 * small_parts + 3)
    calls: list[dict[str, Any]] = []
    s3: Any = connection.s3
    complete = s3.complete_multipart_upload

    def completed(**terms: Any) -> Any:
        calls.append(terms)
        # moto knows no checksum of a whole that came by parts; the emulator does: tests/e2e.
        return complete(**{k: v for k, v in terms.items() if not k.startswith(("Checksum", "Mpu"))})

    monkeypatch.setattr(s3, "complete_multipart_upload", completed, raising=False)
    (tmp_path / "large").write_bytes(body)
    for source in (tmp_path / "large", io.BytesIO(body)):
        data.put(source, "large", environment=connection)
        assert s3.get_object(Bucket=BUCKET, Key="data/study/large")["Body"].read() == body
    for call in calls:
        assert [part["PartNumber"] for part in call["MultipartUpload"]["Parts"]] == [1, 2, 3]
        assert call["MpuObjectSize"] == len(body)
        assert call["ChecksumType"] == "FULL_OBJECT"
    assert len(calls) == 2


@pytest.mark.parametrize("fails", ["upload_part", "complete_multipart_upload"])
def test_a_file_that_fails_on_its_way_leaves_nothing_there(
    fails: str, refused: Refused, small_parts: int, keys: Keys, connection: Connection
) -> None:
    with pytest.raises(SessionError, match="InternalError"):
        data.put(
            io.BytesIO(bytes(small_parts + 1)),
            "large",
            environment=refused(fails, code="InternalError"),
        )
    assert keys() == {}
    assert "Uploads" not in connection.s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_file_that_somebody_writes_to_is_not_put(
    tmp_path: Path, connection: Connection, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"half")
    read = sending._read

    def read_while_it_grows(*terms: Any) -> bytes:
        found = read(*terms)
        path.write_bytes(b"half and half")
        return found

    monkeypatch.setattr(sending, "_read", read_while_it_grows)
    with pytest.raises(ConfigurationError, match="changed while it was read"):
        data.put(path, environment=connection)
    assert keys() == {}


def test_a_folder_that_fails_says_how_far_it_came(
    folder: Path, refused: Refused, connection: Connection
) -> None:
    with pytest.raises(AccessDenied) as caught:
        data.put(folder, environment=refused("put_object"))
    assert caught.value.__notes__ == ["0 of 3 files were put, each of them whole"]


@pytest.mark.parametrize(
    ("terms", "writers", "words"),
    [
        (
            {},
            "steward",
            "analysts read data, and its steward writes it.*starburst-test-steward-stu",
        ),
        (
            {"steward": True},
            "steward",
            "refused it to the steward of study.*starburst-test-steward",
        ),
        ({}, "analysts", "though analysts of study write its data"),
    ],
)
def test_a_refusal_says_who_writes_and_how_one_becomes_that(
    terms: dict[str, Any], writers: Any, words: str, refused: Refused
) -> None:
    connection = refused("put_object", "delete_object", **terms)
    workspace = connection.document.workspaces["study"]
    object.__setattr__(workspace, "data_writers", writers)
    with pytest.raises(AccessDenied, match=words):
        data.put(b"x", "x", environment=connection)
    s3: Any = connection.s3
    assert isinstance(s3, Refusing)
    assert s3.asked == ["put_object"], "asked once, and nothing was written another way"


def test_a_steward_has_no_home_and_no_sessions(refused: Refused) -> None:
    import starburst  # noqa: PLC0415 - the package itself

    steward = refused(steward=True)
    for call in (
        lambda: home.put(b"x", "x", environment=steward),
        lambda: home.ls(environment=steward),
    ):
        with pytest.raises(AccessDenied, match="a steward has no home"):
            call()
    with pytest.raises(AccessDenied, match="a steward has no sessions"):
        starburst.session(steward)


def test_a_user_who_is_called_data_has_a_home_and_nothing_else(
    refused: Refused, keys: Keys
) -> None:
    person = refused(user="data")
    home.put(b"mine", "x", environment=person)
    assert [*keys()] == ["home/study/data/x"]
    with pytest.raises(
        ConfigurationError, match=re.escape("is not below s3://bucket/home/study/data/")
    ):
        home.put(b"x", "s3://bucket/data/study/x", environment=person)


def test_an_interrupt_ends_what_is_under_way_at_its_next_part(
    connection: Connection, small_parts: int, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3: Any = connection.s3
    part, interrupted, sent = s3.upload_part, threading.Event(), 0
    result = sending.Future.result

    def send_part(**terms: Any) -> Any:
        nonlocal sent
        sent += 1
        interrupted.set()
        return part(**terms)

    def wait(future: Any, timeout: float | None = None) -> Any:
        if threading.current_thread() is threading.main_thread():
            assert interrupted.wait(60)
            raise KeyboardInterrupt
        return result(future, timeout)

    class Endless:
        def read(self, size: int) -> bytes:
            return bytes(size)

    monkeypatch.setattr(s3, "upload_part", send_part, raising=False)
    monkeypatch.setattr(sending, "_AHEAD_BYTES", 2 * small_parts)
    monkeypatch.setattr(sending.Future, "result", wait)
    with pytest.raises(KeyboardInterrupt):
        data.put(Endless(), "endless", environment=connection)  # type: ignore[arg-type]
    monkeypatch.undo()
    assert sent < 20
    assert keys() == {}
    assert "Uploads" not in connection.s3.list_multipart_uploads(Bucket=BUCKET)

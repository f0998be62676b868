"""Listing, patterns, getting and removing: lazy, whole, and never out of the folder here."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import FlexibleChecksumError

import starburst
from starburst import AccessDenied, ConfigurationError, DataNotFound, IntegrityError, data, home
from starburst._client.access.connection import Connection
from tests.files.conftest import BUCKET

Keys = Callable[[], dict[str, bytes]]
Refused = Callable[..., Connection]

NAMES = ("a.csv", "b.csv", "deep/c.csv", "deep/er/d.csv", "set.zarr/0.0", "set.zarr/.zattrs")
PLACE = "s3://bucket/data/study/"


@pytest.fixture
def filled(connection: Connection) -> Connection:
    for name in NAMES:
        connection.s3.put_object(Bucket=BUCKET, Key=f"data/study/{name}", Body=name.encode())
    # As the console makes an empty folder, and another workspace's, whose name begins alike.
    connection.s3.put_object(Bucket=BUCKET, Key="data/study/empty/", Body=b"")
    connection.s3.put_object(Bucket=BUCKET, Key="data/studyx/secret.csv", Body=b"")
    return connection


def test_a_listing_has_names_sizes_and_times(filled: Connection) -> None:
    found = list(data.ls(environment=filled))
    assert [each.name for each in found] == ["a.csv", "b.csv", "deep/", "empty/", "set.zarr/"]
    assert [each.size for each in found if not each.folder] == [5, 5]
    assert all(each.modified > 1e9 for each in found if not each.folder)
    assert [each.name for each in data.ls(recursive=True, environment=filled)] == sorted(NAMES)
    assert [each.name for each in data.ls("deep/", environment=filled)] == [
        "deep/c.csv",
        "deep/er/",
    ]


def test_a_listing_asks_for_no_more_than_is_read(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = iter(range(1_000))
    asked: list[int] = []

    class Paginator:
        def paginate(self, **_: object) -> Any:
            for page in pages:
                asked.append(page)
                yield {
                    "CommonPrefixes": [{"Prefix": f"data/study/{page:04}-{n}/"} for n in range(9)]
                }

    monkeypatch.setattr(connection.s3, "get_paginator", lambda _: Paginator(), raising=False)
    assert len(list(islice(data.ls(environment=connection), 10))) == 10
    assert asked == [0, 1]
    assert repr(data.ls(environment=connection)).endswith("… and more")
    assert len(asked) < 6


def test_what_is_shown_of_a_listing_drives_no_terminal(connection: Connection) -> None:
    connection.s3.put_object(Bucket=BUCKET, Key="data/study/a\x1b[31m", Body=b"")
    shown = repr(data.ls(environment=connection))
    assert "\x1b" not in shown
    assert "\\x1b[31m" in shown


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[!a].csv", ["b.csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "deep/c.csv", "deep/er/d.csv"]),
        ("deep/**/*.csv", ["deep/c.csv", "deep/er/d.csv"]),
        ("*/*.csv", ["deep/c.csv"]),
        ("*.zarr", ["set.zarr"]),
        ("de*", ["deep"]),
        ("deep/*", ["deep/c.csv", "deep/er"]),
        ("a.csv", ["a.csv"]),
        ("deep", ["deep"]),
        ("none*", []),
        ("none", []),
    ],
)
def test_a_pattern_matches_by_fsspecs_rules(
    pattern: str, names: list[str], filled: Connection
) -> None:
    assert data.glob(pattern, environment=filled) == [PLACE + name for name in names]
    assert data.glob(PLACE + pattern, environment=filled) == [PLACE + name for name in names]


def test_a_pattern_asks_s3_for_what_begins_as_it_does(
    filled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    paginator = filled.s3.get_paginator

    def watched(name: Any) -> Any:
        found: Any = paginator(name)
        pages = found.paginate
        monkeypatch.setattr(
            found, "paginate", lambda **t: (asked.append(t["Prefix"]), pages(**t))[1]
        )
        return found

    monkeypatch.setattr(filled.s3, "get_paginator", watched, raising=False)
    assert data.glob("deep/c*.csv", environment=filled) == [f"{PLACE}deep/c.csv"]
    assert asked == ["data/study/deep/c"]


def test_a_pattern_that_is_none_is_told(filled: Connection) -> None:
    with pytest.raises(ConfigurationError, match="entire path component"):
        data.glob("a**b", environment=filled)


def test_a_file_and_a_folder_come_here(
    filled: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there: Any = {"environment": filled}
    assert data.get("deep/c.csv", **there) == Path("c.csv")
    assert data.get("deep/c.csv", tmp_path / "named", **there) == tmp_path / "named"
    assert data.get("deep/c.csv", f"{tmp_path}/within/", **there) == tmp_path / "within/c.csv"
    assert data.get("deep", **there) == Path("deep")
    assert data.get("deep", tmp_path / "within", **there) == tmp_path / "within/deep"
    assert data.get("", tmp_path / "all", **there) == tmp_path / "all"
    for path in ("c.csv", "named", "within/c.csv", "deep/c.csv", "within/deep/c.csv"):
        assert (tmp_path / path).read_text() == "deep/c.csv"
    assert (tmp_path / "all/set.zarr/.zattrs").read_text() == "set.zarr/.zattrs"
    left = [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
    assert not left


def test_a_small_file_that_arrives_damaged_is_not_kept(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Body:
        def iter_chunks(self, _: int) -> Any:
            yield b"wro"
            raise FlexibleChecksumError(error_msg="no match")

    data.put(b"right", "d/x", environment=connection)
    answer: Any = {"Body": Body(), "ContentLength": 5}
    monkeypatch.setattr(connection.s3, "get_object", lambda **_: answer, raising=False)
    with pytest.raises(IntegrityError, match="nothing of it was kept"):
        data.get("d", tmp_path / "here", environment=connection)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_name_that_leads_out_of_the_folder_here_is_refused_before_anything_comes(
    connection: Connection, tmp_path: Path
) -> None:
    for name in ("d/a.csv", "d/../../evil"):
        connection.s3.put_object(Bucket=BUCKET, Key=f"data/study/{name}", Body=b"x")
    with pytest.raises(ConfigurationError, match="cannot become a file below a folder"):
        data.get("d", tmp_path / "here", environment=connection)
    assert not [*tmp_path.iterdir()]


def test_a_file_that_this_disk_cannot_hold_is_told(connection: Connection, tmp_path: Path) -> None:
    for name in ("d/a", "d/a/b", "long/" + "x" * 300):
        connection.s3.put_object(Bucket=BUCKET, Key=f"data/study/{name}", Body=b"x")
    for name in ("d", "long"):
        with pytest.raises(ConfigurationError, match="cannot write"):
            data.get(name, tmp_path / "here", environment=connection)


def test_what_arrives_damaged_is_not_kept(
    filled: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3: Any = filled.s3
    data.put(b"right", "x", environment=filled)

    def damaged(_bucket: str, _key: str, path: str, **_: object) -> None:
        Path(path).write_bytes(b"wrong")

    monkeypatch.setattr(s3, "download_file", damaged, raising=False)
    (tmp_path / "x").write_text("what was here")
    with pytest.raises(IntegrityError, match="checksum"):
        data.get("x", tmp_path / "x", environment=filled)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "what was here"


@pytest.mark.parametrize("name", ["none", "none/", "dee"])
def test_what_is_not_there_is_told(name: str, filled: Connection, tmp_path: Path) -> None:
    for call in (
        lambda: data.get(name, tmp_path / "x", environment=filled),
        lambda: data.rm(name, environment=filled),
        lambda: data.rm(name, recursive=True, environment=filled),
    ):
        with pytest.raises(DataNotFound, match="there is nothing at s3://bucket/data/study/"):
            call()
    with pytest.raises(FileNotFoundError):
        home.get(name, environment=filled)


def test_a_folder_goes_only_where_that_is_said_and_it_says_how_many(
    filled: Connection, keys: Keys
) -> None:
    before = keys()
    for name in ("deep", "deep/"):
        with pytest.raises(ConfigurationError, match="is a folder: pass recursive=True"):
            data.rm(name, environment=filled)
    with pytest.raises(ConfigurationError, match="empty name"):
        data.rm(environment=filled)
    assert keys() == before
    assert data.rm("deep", recursive=True, environment=filled) == 2
    assert data.rm("a.csv", environment=filled) == 1
    assert data.rm(recursive=True, environment=filled) == 3
    assert [*keys()] == ["data/study/empty/", "data/studyx/secret.csv"]


def test_what_is_removed_stays_as_a_version(filled: Connection) -> None:
    data.rm("a.csv", environment=filled)
    versions = filled.s3.list_object_versions(Bucket=BUCKET, Prefix="data/study/a.csv")
    assert len(versions["Versions"]) == len(versions["DeleteMarkers"]) == 1


def test_what_s3_keeps_of_many_is_told(filled: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(code: str) -> Any:
        errors = [{"Key": "data/study/b.csv", "Code": code, "Message": "no"}]
        return lambda **_: {"Errors": errors}

    monkeypatch.setattr(filled.s3, "delete_objects", kept("AccessDenied"), raising=False)
    with pytest.raises(AccessDenied, match="its steward writes it"):
        data.rm(recursive=True, environment=filled)
    monkeypatch.setattr(filled.s3, "delete_objects", kept("InternalError"), raising=False)
    with pytest.raises(starburst.SessionError, match="InternalError"):
        data.rm(recursive=True, environment=filled)


@pytest.mark.parametrize("code", ["403", "AccessDenied"])
def test_a_key_that_is_refused_because_it_is_missing_is_told_as_missing(
    code: str, refused: Refused, tmp_path: Path, filled: Connection
) -> None:
    there = refused("head_object", code=code)
    with pytest.raises(AccessDenied):  # it stands there, so that is a refusal
        data.get("a.csv", tmp_path / "x", environment=there)
    place = starburst._files.places.data_of(there)  # type: ignore[attr-defined]
    with pytest.raises(DataNotFound), place.errors("get it", "gone.csv"):
        there.s3.head_object(Bucket=BUCKET, Key="data/study/gone.csv")


def test_a_draft_is_put_when_it_is_whole_and_never_before(
    connection: Connection, keys: Keys
) -> None:
    with data.open("whole", "w", environment=connection) as file:
        file.write("é\n")
        assert keys() == {}
    with data.open("bytes", "wb", environment=connection) as file:
        file.write(b"xxxx")
        file.seek(0)
        file.write(b"yy")
    assert keys() == {"data/study/whole": "é\n".encode(), "data/study/bytes": b"yyxx"}

    def fails(mode: str, half: Any) -> None:
        with data.open("half", mode, environment=connection) as file:
            file.write(half)
            raise KeyError("in the middle")

    for mode, half in (("w", "half"), ("wb", b"half")):
        with pytest.raises(KeyError, match="in the middle"):
            fails(mode, half)
        file = data.open("let go", mode, environment=connection)
        file.write(half)
        del file
    assert [*keys()] == ["data/study/bytes", "data/study/whole"]


@pytest.mark.parametrize("mode", ["a", "r+", "x", "", None, "rw"])
def test_a_mode_that_s3_lacks_is_refused(mode: Any, connection: Connection) -> None:
    with pytest.raises(ConfigurationError, match="is none of r, rt, rb, w, wt, wb"):
        data.open("x", mode, environment=connection)

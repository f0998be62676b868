"""What may be a file's name: nothing that leads out of its place, here or there."""

from __future__ import annotations

import pytest

from starburst import ConfigurationError, data, home
from starburst._client.access.connection import Connection
from starburst._files.names import MOST_BYTES, is_safe

PREFIX = "data/study/"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/a.csv", "begins with a slash"),
        ("a//b.csv", "an empty part"),
        ("a/", "name"),
        ("../other/a.csv", "'..'"),
        ("a/../../other/b", "'..'"),
        ("./a", "'.'"),
        ("a\nb", "control character"),
        ("a\x00", "control character"),
        ("\udc80", "UTF-8"),
        ("é" * 512, "S3 allows 1,024"),
        ("", "empty name"),
        (3, "no name"),
        (None, "no name of their own"),
        ("s3://bucket/data/other/a.csv", "is not below s3://bucket/data/study/"),
        ("s3://foreign/data/study/a.csv", "is not below s3://bucket/data/study/"),
        ("s3://bucket/data/studyx/a.csv", "is not below s3://bucket/data/study/"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_sent(
    name: str, why: str, connection: Connection, keys: object
) -> None:
    with pytest.raises(ConfigurationError, match=why):
        data.put(b"x", name, environment=connection)
    assert callable(keys)
    assert keys() == {}


@pytest.mark.parametrize("call", [data.ls, data.get, data.glob, data.path, data.open, home.ls])
def test_every_call_checks_the_name(call: object, connection: Connection) -> None:
    assert callable(call)
    with pytest.raises(ConfigurationError, match=r"'\.\.'"):
        call("../bob", environment=connection)


def test_a_name_may_be_as_long_as_s3_allows(connection: Connection) -> None:
    name = "x" * (MOST_BYTES - len(PREFIX))
    assert data.put(b"x", name, environment=connection).endswith(name)
    with pytest.raises(ConfigurationError, match="1,025 bytes"):
        data.put(b"x", name + "x", environment=connection)


def test_a_path_is_taken_as_the_name_of_what_stands_there(connection: Connection) -> None:
    path = data.put(b"x", "cohort/a", environment=connection)
    assert path == "s3://bucket/data/study/cohort/a"
    assert [each.path for each in data.ls(path.rpartition("/")[0], environment=connection)] == [
        path
    ]
    assert data.rm(path, environment=connection) == 1


@pytest.mark.parametrize("name", ["..", "a/../../b", "/etc/passwd", "a//b", "c:\\x", "a\\..\\b"])
def test_what_somebody_else_stored_becomes_no_file_out_of_its_folder(name: str) -> None:
    assert not is_safe(name)

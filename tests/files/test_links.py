"""Links into a home: for minutes, where the workspace allows them, signed for its own region."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from starburst import ConfigurationError, DataNotFound, home
from starburst._client.access.connection import Connection
from starburst._files.links import console_address


@pytest.fixture
def allowed(connection: Connection) -> Connection:
    document = connection.document
    workspace = replace(document.workspaces["study"], home_links=True)
    home.put(b"x", "a b.png", environment=connection)
    return replace(connection, document=replace(document, workspaces={"study": workspace}))


def test_a_link_is_signed_for_one_file_in_the_buckets_own_region(allowed: Connection) -> None:
    link = urlsplit(home.url("a b.png", 300, environment=allowed))
    terms = parse_qs(link.query)
    assert link.scheme == "https"
    assert link.netloc == "bucket.s3.eu-west-1.amazonaws.com"
    assert link.path == "/home/study/alice/a%20b.png"
    assert terms["X-Amz-Expires"] == ["300"]
    assert terms["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


@pytest.mark.parametrize("seconds", [0, -1, 901, 3600, "300", 1.5, True, None])
def test_a_link_that_lives_too_long_is_refused(seconds: Any, allowed: Connection) -> None:
    with pytest.raises(ConfigurationError, match="from 1 to 900"):
        home.url("a b.png", seconds, environment=allowed)


def test_a_link_to_nothing_is_refused(allowed: Connection) -> None:
    with pytest.raises(DataNotFound):
        home.url("none", environment=allowed)


def test_no_link_is_made_where_the_workspace_allows_none(connection: Connection) -> None:
    home.put(b"x", "x", environment=connection)
    with pytest.raises(
        ConfigurationError, match=r"the homes of study have no links.*starburst home get x"
    ):
        home.url("x", environment=connection)


def test_the_console_is_asked_for_ones_own_folder(connection: Connection) -> None:
    assert home.console_url(environment=connection) == (
        "https://eu-west-1.console.aws.amazon.com/s3/buckets/bucket"
        "?region=eu-west-1&prefix=home/study/alice/"
    )
    assert "/s3/object/bucket?" in home.console_url("a b.png", environment=connection)
    assert home.console_url("a b.png", environment=connection).endswith("alice/a%20b.png")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
    ],
)
def test_each_partition_has_its_own_console(region: str, host: str) -> None:
    assert urlsplit(console_address("b", "x", region=region)).netloc == host

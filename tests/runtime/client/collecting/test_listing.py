"""Listing results: page by page to the end, from the first that is of interest, and no other."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from starburst._client.tasks.result_reader import ResultReader
from starburst._codec import encode_batch
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_key
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

KEYS = SessionKeys(workspace="study", user="alice", session="s" * 20)
CHUNK, LATER = "p000001-00000", "p000002-00007"


class Listing:
    """S3 with some pages of keys, and one node under each.

    Attributes:
        asked: where each page was asked from.
    """

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = pages
        self.asked: list[dict[str, str]] = []

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, MaxKeys: int, **position: str
    ) -> dict[str, Any]:
        assert (Bucket, Prefix, MaxKeys) == ("bucket", KEYS.results, 1000)
        self.asked.append(position)
        return self.pages[len(self.asked) - 1]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        encoded, _ = encode_batch([7], mode="data")
        data = b"".join(bytes(part) for part in encoded.parts)
        node = ResultNode(
            lo=0,
            hi=1,
            covered=1,
            children=(),
            batches=[Batch(first=0, count=1, format=encoded.format, parts=[data])],
            failures={},
            retries=0,
            seconds=0.0,
        )
        sealed = node.seal(session=KEYS.session, chunk=CHUNK, key=bytes(32), attempt=1)
        return {"Body": io.BytesIO(bytes(sealed))}


def page(*keys: str, more: bool, token: str = "") -> dict[str, Any]:
    words = {"NextContinuationToken": token} if token else {}
    return {"Contents": [{"Key": key} for key in keys], "IsTruncated": more, **words}


def reader(s3: Listing) -> ResultReader:
    connection: Any = SimpleNamespace(
        document=SimpleNamespace(bucket="bucket", environment="test"), s3=s3
    )
    return ResultReader(connection, KEYS, key=bytes(32), mode="data")


ROOT, CHILD = node_key(KEYS, CHUNK, lo=0, hi=9), node_key(KEYS, CHUNK, lo=4, hi=9)
LAST = node_key(KEYS, LATER, lo=0, hi=2)


def test_all_pages_are_listed_by_s3s_own_token_and_strangers_keys_are_left_out() -> None:
    s3 = Listing(
        page(ROOT, f"{KEYS.results}zzz", CHILD, more=True, token="one"),
        {"IsTruncated": True, "NextContinuationToken": "two"},
        page(LAST, more=False, token="a token that means nothing"),
    )
    found = [*reader(s3).list_nodes(first_open=None)]
    assert found == [((CHUNK, 0, 9), ROOT), ((CHUNK, 4, 9), CHILD), ((LATER, 0, 2), LAST)]
    assert s3.asked == [
        {"StartAfter": KEYS.results},
        {"ContinuationToken": "one"},
        {"ContinuationToken": "two"},
    ]


def test_what_comes_before_the_first_open_chunk_is_not_listed() -> None:
    s3 = Listing(page(LAST, more=True))  # and no token: there is no way on
    assert [*reader(s3).list_nodes(first_open=LATER)] == [((LATER, 0, 2), LAST)]
    assert s3.asked == [{"StartAfter": f"{KEYS.results}{LATER}/"}]


@pytest.mark.parametrize("over", [False, True], ids=["usual", "the interpreter ends"])
def test_nodes_are_read_in_their_order_also_where_no_thread_can_be_had(over: bool) -> None:
    names = [((CHUNK, 0, 1), "one"), ((LATER, 0, 1), "another's"), ((CHUNK, 0, 1), "one")]
    with ThreadPoolExecutor(2) as pool:
        if over:
            pool.shutdown()
        first, second, third = reader(Listing()).fetch(pool, names)
    assert isinstance(first, ResultNode)
    assert isinstance(second, IntegrityError)
    assert isinstance(third, ResultNode)

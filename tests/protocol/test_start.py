"""The beginning of a sealed object: verified as far as it goes, and no further."""

from __future__ import annotations

import os

import pytest

from starburst._protocol.sealed.envelope import Header, seal, unseal_start
from starburst._protocol.sealed.failure import describe
from starburst._protocol.sealed.result_nodes import ResultNode, open_children
from starburst.errors import IntegrityError

SESSION = "a" * 20
KEY = bytes(range(32))
HEADER = Header(session=SESSION, kind="result", name="c/000000-000008", attempt=1, format="results")
SEGMENT = 1024
TAG = 16


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst._protocol.sealed.header.SEGMENT_BYTES", SEGMENT)


def sealed(data: bytes, *, compress: bool = False) -> bytes:
    return bytes(seal([data], key=KEY, header=HEADER, compress=compress))


def started(whole: bytes, length: int) -> bytes:
    return bytes(unseal_start(whole[:length], nbytes=len(whole), key=KEY, expect=HEADER))


def preamble(whole: bytes) -> int:
    return 70 + int.from_bytes(whole[4:6], "big")


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 5 * SEGMENT + 7])
@pytest.mark.parametrize("segments", [1, 2, 5, 6])
def test_what_is_there_of_whole_segments_is_returned(size: int, segments: int) -> None:
    data = os.urandom(size)
    whole = sealed(data)
    length = preamble(whole) + segments * (SEGMENT + TAG)
    assert started(whole, length) == data[: segments * SEGMENT]
    assert started(whole, length + 5) == data[: segments * SEGMENT]


def test_of_what_is_compressed_the_beginning_is_returned() -> None:
    data = b"".join(b"%09d" % number for number in range(100_000))
    whole = sealed(data, compress=True)
    assert len(whole) < len(data) / 2
    found = started(whole, len(whole) - SEGMENT)
    assert len(found) == SEGMENT  # so much at most is asked of a decompressor
    assert data.startswith(found)


def test_every_bit_of_the_beginning_counts() -> None:
    whole = sealed(os.urandom(3 * SEGMENT))
    length = preamble(whole) + SEGMENT + TAG
    for at in range(length):
        bad = bytearray(whole)
        bad[at] ^= 1
        with pytest.raises(IntegrityError):
            started(bytes(bad), length)


def test_no_other_beginning_is_taken() -> None:
    whole = sealed(os.urandom(3 * SEGMENT))
    begins, step = preamble(whole), SEGMENT + TAG
    with pytest.raises(IntegrityError, match="cut short"):
        started(whole, begins + step - 1)
    moved = whole[:begins] + whole[begins + step : begins + 2 * step] + whole[begins + step :]
    for bad, nbytes in (
        (moved, len(moved)),
        (whole, len(whole) - step),  # as if its end were gone
        (whole, len(whole) + step),
        (whole[: begins + step], begins + step),
        (b"", 0),
        (b"\x80\x04evil" * 300, 2100),
    ):
        with pytest.raises(IntegrityError):
            unseal_start(bad[: begins + step], nbytes=nbytes, key=KEY, expect=HEADER)
    other = Header(
        session="b" * 20, kind="result", name=HEADER.name, attempt=1, format=HEADER.format
    )
    with pytest.raises(IntegrityError):
        unseal_start(whole, nbytes=len(whole), key=KEY, expect=other)


@pytest.mark.parametrize("failures", [0, 40])
def test_a_node_tells_what_it_handed_on_before_its_results_are_read(failures: int) -> None:
    said = describe(ValueError("x" * 90))
    node = ResultNode(
        lo=0,
        hi=8,
        covered=0,
        children=((0, 3), (3, 8)),
        batches=(),
        failures=dict.fromkeys(range(failures), said),
    )
    whole = bytes(node.seal(session=SESSION, chunk="c", key=KEY, attempt=1))
    place = {"session": SESSION, "chunk": "c", "lo": 0, "hi": 8, "key": KEY}
    length = preamble(whole) + SEGMENT + TAG
    found = open_children(whole[:length], nbytes=len(whole), **place)  # type: ignore[arg-type]
    assert found in (node.children, None)  # None where its table is longer
    assert failures or found == node.children
    with pytest.raises(IntegrityError):
        open_children(whole, nbytes=len(whole), **{**place, "hi": 9})  # type: ignore[arg-type]

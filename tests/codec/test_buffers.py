"""Large buffers: none travels that nobody reads, and none is kept for a small part of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from starburst._codec import Encoded, decode_batch, encode, encode_batch
from starburst._protocol.manifest import ResultMode

LARGE = 100_000


class Opaque:
    """No data."""


def size(encoded: Encoded) -> int:
    return sum(memoryview(part).nbytes for part in encoded.parts)


def read(encoded: Encoded, mode: ResultMode = "data") -> tuple[Any, list[Any]]:
    """Return the bytes that were read, and the values."""
    plain = np.zeros(size(encoded) + 64, np.uint8)
    start = -plain.ctypes.data % 64
    held = plain[start : start + size(encoded)]
    held[:] = np.frombuffer(b"".join(encoded.parts), np.uint8)
    return held, decode_batch(encoded.format, held.data, mode=mode)


def test_what_was_refused_does_not_travel_in_part() -> None:
    kept = np.arange(LARGE)
    encoded, refused = encode_batch(
        [[np.ones(LARGE), Opaque()], kept, (np.ones(LARGE), open)], mode="data"
    )
    assert refused.keys() == {0, 2}
    assert kept.nbytes < size(encoded) < 1.5 * kept.nbytes
    _, values = read(encoded)
    assert values[0] is values[2] is None
    assert (values[1] == kept).all()


def test_what_is_pickled_does_not_travel_as_data_as_well() -> None:
    large = np.arange(LARGE)
    assert large.nbytes < size(encode([large, Opaque()], mode="pickle")) < 1.5 * large.nbytes


def test_a_small_array_does_not_keep_a_large_result_in_memory() -> None:
    encoded, _ = encode_batch([np.ones(1000), np.ones(LARGE)], mode="data")
    held, (small, large) = read(encoded)
    assert np.shares_memory(held, large)
    assert not np.shares_memory(held, small)


def test_arrays_over_the_bytes_that_arrived_are_aligned() -> None:
    encoded, _ = encode_batch([np.ones(4099, np.uint8), np.ones(LARGE)], mode="data")
    held, (_, large) = read(encoded)
    assert np.shares_memory(held, large)
    assert large.ctypes.data % 64 == 0


def test_arrays_can_be_written_to_though_their_bytes_could_not() -> None:
    encoded, _ = encode_batch([np.ones(LARGE)], mode="data")
    (array,) = decode_batch("data", memoryview(b"".join(encoded.parts)), mode="data")
    assert isinstance(array, np.ndarray)
    array[0] = 7


@pytest.mark.parametrize("mode", ["data", "pickle"])
def test_a_batch_of_nothing_but_small_values_has_one_part(mode: ResultMode) -> None:
    encoded, refused = encode_batch([1, "x", None, [2.5]], mode=mode)
    assert (len(encoded.parts), refused) == (1, {})

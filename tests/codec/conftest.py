"""The way of every value: encoded, joined as the envelope joins, decoded."""

from collections.abc import Callable
from typing import Any

import pytest

from starburst._codec import decode, encode
from starburst._protocol.manifest import ResultMode

RoundTrip = Callable[..., Any]


@pytest.fixture(scope="session")
def round_trip() -> RoundTrip:
    def travel(value: object, mode: ResultMode = "data") -> object:
        encoded = encode(value, mode=mode)
        data = memoryview(bytearray(b"".join(encoded.parts)))
        return decode(encoded.format, data, mode=mode)

    return travel

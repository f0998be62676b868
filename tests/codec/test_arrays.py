"""NumPy values come back bit for bit: type, shape, order, byte order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as npst

from starburst._codec import encode
from starburst.errors import UnsafeResult

RoundTrip = Callable[..., Any]

dtypes = (
    npst.scalar_dtypes()
    | npst.unicode_string_dtypes(max_len=4)
    | npst.byte_string_dtypes(max_len=4)
    | npst.array_dtypes(max_size=3)
).filter(lambda dtype: "float128" not in str(dtype) and "complex256" not in str(dtype))


@settings(max_examples=120, derandomize=True, deadline=None, database=None)
@given(array=npst.arrays(dtypes, npst.array_shapes(min_dims=0, min_side=0, max_side=4)))
def test_any_array_comes_back(round_trip: RoundTrip, array: np.ndarray) -> None:
    back = round_trip({"nested": [array]})["nested"][0]
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(10_000.0).reshape(100, 100)),
        np.arange(20_000)[::2],
        np.arange(5000, dtype=">f8"),
        np.zeros((300, 5, 7), order="F").transpose(1, 0, 2),
        np.array(["2020-01-01", "NaT"], dtype="M8[ns]"),
        np.zeros(2, dtype="m8[25s]"),
        np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8", (2,))], align=True)),
        np.array(3.5),
        np.empty((0, 3)),
        np.empty((3, 0), dtype="M8[D]", order="F"),
        np.broadcast_to(np.float64(3), (50, 50)),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_layouts_come_back(round_trip: RoundTrip, array: np.ndarray) -> None:
    back = round_trip(array)
    assert back.dtype == array.dtype
    assert back.dtype.isalignedstruct == array.dtype.isalignedstruct
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    if array.flags.f_contiguous:
        assert back.flags.f_contiguous


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(array=npst.arrays(dtypes, 1))
def test_any_scalar_comes_back(round_trip: RoundTrip, array: np.ndarray) -> None:
    value = array[0]
    if isinstance(value, np.ndarray):
        return
    back = round_trip(value)
    assert type(back) is type(value)
    assert back.tobytes() == value.tobytes()


def test_large_arrays_are_not_copied_when_encoded() -> None:
    array = np.arange(10**6, dtype="f8")
    buffers = [part for part in encode([array], mode="data").parts if isinstance(part, memoryview)]
    assert any(np.shares_memory(np.frombuffer(part, "f8"), array) for part in buffers)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.array([object()]), "of type object"),
        (np.zeros(1, dtype=[("a", "O")]), "Python objects"),
        (np.zeros(2).view(np.recarray), "recarray"),
        (np.zeros(2, dtype="g"), "astype"),
        (np.dtypes.StringDType().type, "type"),
    ],
)
def test_what_is_not_data_is_refused(round_trip: RoundTrip, value: object, reason: str) -> None:
    with pytest.raises(UnsafeResult, match=reason):
        round_trip(value)


@pytest.mark.parametrize(
    "value",
    [
        np.array(["BRCA1", "TP53", None], dtype=object),
        np.array([["a", 1.5], [None, ("x", 2)]], dtype=object),
        np.empty((0, 3), dtype=object),
        np.array("one", dtype=object),
    ],
)
def test_arrays_of_plain_objects_come_back(
    round_trip: RoundTrip, value: np.ndarray[Any, Any]
) -> None:
    found: Any = round_trip(value)
    assert found.dtype == object
    assert found.shape == value.shape
    assert found.tolist() == value.tolist()


def test_an_array_with_one_object_that_is_no_data_is_refused(round_trip: RoundTrip) -> None:
    with pytest.raises(UnsafeResult, match="object"):
        round_trip(np.array(["BRCA1", object()], dtype=object))

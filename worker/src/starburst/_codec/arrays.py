"""NumPy arrays, masked ones too, and scalars of every fixed-size type; objects that are data.

Types themselves as well, and the one module that scipy keeps in its results.
"""

from __future__ import annotations

import math
import re
import sys
import types
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import IntegrityError, PayloadError

from .stored import extra_attribute
from .structure import Code, Lower, Raise, Reader, Unsupported, Writer

if TYPE_CHECKING:
    import numpy as np

__all__ = ["RAISE", "find", "lower_module"]

_ARRAY_MODULES: Final = frozenset(
    {
        "numpy",
        "scipy._external.array_api_compat.numpy",
        "scipy._lib.array_api_compat.numpy",
    }
)
"""What scipy's results name their library by; a module that a worker could choose is none."""

_TYPE: Final = re.compile(r"[<>|=][?biufcmMSUV]\d{1,9}(\[\d{0,9}[A-Za-z]{1,7}\])?")
_MAX_NESTING: Final = 8
_WIDEST: Final = {"f": 8, "c": 16}
"""Wider floats differ between processors, so their bytes do not travel."""


def find(cls: type) -> Lower | None:
    """Return how to lower instances of a NumPy class, or None if they are not data."""
    import numpy as np  # noqa: PLC0415 - its class is here, so it is imported already

    if cls is np.ndarray:
        return _lower_array
    if issubclass(cls, np.dtype):
        return _lower_type
    if cls in (np.ma.MaskedArray, type(np.ma.masked)):
        return _lower_masked
    return _lower_scalar if issubclass(cls, np.generic) else None


def lower_module(writer: Writer, value: types.ModuleType, depth: int) -> object:
    """Lower a library of array functions, which scipy's results keep, to its name."""
    name = value.__name__
    if name not in _ARRAY_MODULES or sys.modules.get(name) is not value:
        raise Unsupported(value, "is a module")
    return writer.extension(Code.ARRAY_MODULE, name)


def _raise_module(reader: Reader, payload: bytes) -> object:
    (name,) = reader.fields(payload, 1)
    if name not in _ARRAY_MODULES:
        raise IntegrityError("an encoded value names a module that is no library of arrays")
    if name not in sys.modules:
        raise PayloadError(
            f"the result holds the module {name!r}, which is not imported here. Import it and "
            "read the result again."
        )
    return sys.modules[name]


def _lower_type(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401 - a dtype
    return writer.extension(Code.NUMPY_TYPE, _describe(value, value))


def _raise_type(reader: Reader, payload: bytes) -> object:
    (described,) = reader.fields(payload, 1)
    return _type(described)


def _describe(value: object, dtype: Any) -> object:  # noqa: ANN401 - a dtype
    """Return the type as text, or as a list of fields with their places."""
    _check_plain(value, dtype)
    if dtype.hasobject:
        raise Unsupported(value, f"has dtype {dtype}, which holds Python objects")
    if dtype.subdtype is not None:
        return [_describe(value, dtype.base), list(dtype.shape)]
    if dtype.names is None:
        if not _TYPE.fullmatch(dtype.str) or dtype.itemsize > _WIDEST.get(dtype.kind, math.inf):
            raise Unsupported(value, f"has dtype {dtype}, which does not travel; use astype()")
        return dtype.str
    places: Any = dtype.fields
    fields = []
    for name in dtype.names:
        inner, offset, title = (*places[name], None)[:3]
        if title is not None and type(title) is not str:
            raise Unsupported(value, f"has a dtype with the title {title!r}; titles must be text")
        fields.append([name, _describe(value, inner), offset, title])
    return {"fields": fields, "size": dtype.itemsize, "aligned": dtype.isalignedstruct}


def _check_plain(value: object, dtype: Any) -> None:  # noqa: ANN401 - a dtype
    """Refuse what a type says beyond its layout, and NumPy's equality of types does not see."""
    import numpy as np  # noqa: PLC0415

    if dtype.metadata is not None:
        raise Unsupported(value, f"its dtype {dtype} has metadata; use astype({dtype.str!r})")
    if dtype.type is np.record:
        raise Unsupported(value, f"is made of records: use astype({dtype.descr})")
    if dtype.names is not None and dtype.type is not np.void:
        raise Unsupported(value, f"has dtype {dtype!r}, a number with fields; use astype()")


def _type(described: Any, nesting: int = 0) -> np.dtype[Any]:  # noqa: ANN401 - data
    import numpy as np  # noqa: PLC0415 - only data with arrays needs it

    if nesting > _MAX_NESTING:
        raise IntegrityError("an encoded array has too deep a type")
    if type(described) is str and _TYPE.fullmatch(described):
        return np.dtype(described)
    if type(described) is list:
        base, shape = described
        return np.dtype((_type(base, nesting + 1), tuple(shape)))
    if type(described) is dict:
        names, formats, offsets, titles = zip(*described["fields"], strict=True)
        spec = {
            "names": list(names),
            "formats": [_type(each, nesting + 1) for each in formats],
            "offsets": list(offsets),
            "titles": list(titles),
            "itemsize": described["size"],
        }
        return np.dtype(spec, align=described["aligned"] is True)  # type: ignore[call-overload, no-any-return]
    raise IntegrityError("an encoded array has no type that travels")


def _lower_array(writer: Writer, value: np.ndarray[Any, Any], depth: int) -> object:
    import numpy as np  # noqa: PLC0415

    _check_plain(value, value.dtype)
    if value.dtype == object:  # names of genes, say: each element travels as the value it is
        elements = writer.lower_all(value.reshape(-1).tolist(), depth)
        return writer.extension(Code.OBJECT_ARRAY, list(value.shape), elements)
    described = _describe(value, value.dtype)
    if not value.dtype.itemsize and value.size:
        raise Unsupported(value, "has elements without a size")
    array = np.asarray(value)
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    if order == "F":
        array = array.T
    elif not array.flags.c_contiguous:
        array = array.copy(order="C")
    flat = array.reshape(-1).view(np.uint8) if array.size else np.empty(0, np.uint8)
    place = writer.place(flat.data.cast("B"))
    return writer.extension(Code.ARRAY, described, list(value.shape), order, place)


def _raise_array(reader: Reader, payload: bytes) -> object:
    import numpy as np  # noqa: PLC0415

    described, shape, order, place = reader.fields(payload, 4)
    dtype = _type(described)
    buffer = reader.take(place)
    if type(shape) is not list or any(type(side) is not int or side < 0 for side in shape):
        raise IntegrityError("an encoded array has no shape")
    count = math.prod(shape)
    if order not in ("C", "F") or count * dtype.itemsize != buffer.nbytes:
        raise IntegrityError("an encoded array is not as long as its shape says")
    if not count or not dtype.itemsize:
        if count:
            raise IntegrityError("an encoded array has elements without a size")
        return np.empty(shape, dtype, order=order)
    return np.frombuffer(reader.own(buffer), dtype).reshape(shape, order=order)


def _raise_objects(reader: Reader, payload: bytes) -> object:
    import numpy as np  # noqa: PLC0415

    shape, elements = reader.fields(payload, 2)
    if type(shape) is not list or any(type(side) is not int or side < 0 for side in shape):
        raise IntegrityError("an encoded array has no shape")
    if type(elements) is not list or math.prod(shape) != len(elements):
        raise IntegrityError("an encoded array is not as long as its shape says")
    flat = np.empty(len(elements), dtype=object)
    for place, element in enumerate(elements):
        flat[place] = element
    return flat.reshape(shape)


def _lower_masked(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    import numpy as np  # noqa: PLC0415

    if value is np.ma.masked:
        return writer.extension(Code.MASKED_ARRAY, None, None, None, False)
    if value.baseclass is not np.ndarray or value._optinfo:
        raise Unsupported(value, "masks more than a plain array; mask np.asarray(x.data)")
    if extra := extra_attribute(value):
        raise Unsupported(value, f"has the attribute {extra!r}; return that beside it")
    data = _lower_array(writer, np.asarray(value.data), depth)
    mask = None if value.mask is np.ma.nomask else _lower_array(writer, value.mask, depth)
    fill = value._fill_value  # the property would invent one where none was set
    filled = None if fill is None else _lower_array(writer, np.asarray(fill), depth)
    return writer.extension(Code.MASKED_ARRAY, data, mask, filled, bool(value.hardmask))


def _raise_masked(reader: Reader, payload: bytes) -> object:
    import numpy as np  # noqa: PLC0415

    data, mask, fill, hard = reader.fields(payload, 4)
    if data is None:
        return np.ma.masked
    whole = isinstance(data, np.ndarray) and type(hard) is bool
    fits = mask is None or (isinstance(mask, np.ndarray) and mask.shape == data.shape)
    single = fill is None or (isinstance(fill, np.ndarray) and fill.shape == ())
    if not (whole and fits and single):
        raise IntegrityError("an encoded masked array has another shape")
    given: Any = None if fill is None else fill[()]
    return np.ma.MaskedArray(
        data,
        mask=np.ma.nomask if mask is None else mask,
        fill_value=given,
        hard_mask=hard,
        copy=False,
    )


def _lower_scalar(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    if isinstance(value, str | bytes):  # of any length, the empty one too
        plain = str(value) if isinstance(value, str) else bytes(value)
        return writer.extension(Code.NUMPY_SCALAR, None, plain)
    return writer.extension(Code.NUMPY_SCALAR, _describe(value, value.dtype), value.tobytes())


def _raise_scalar(reader: Reader, payload: bytes) -> object:
    import numpy as np  # noqa: PLC0415

    described, data = reader.fields(payload, 2)
    if described is None:
        return np.str_(data) if type(data) is str else np.bytes_(bytes(data))
    dtype = _type(described)
    if type(data) is not bytes or not data or len(data) != dtype.itemsize:
        raise IntegrityError("an encoded number is not as long as its type says")
    return np.frombuffer(bytearray(data), dtype)[0]


RAISE: Final[dict[int, Raise]] = {
    Code.ARRAY: _raise_array,
    Code.OBJECT_ARRAY: _raise_objects,
    Code.NUMPY_SCALAR: _raise_scalar,
    Code.MASKED_ARRAY: _raise_masked,
    Code.NUMPY_TYPE: _raise_type,
    Code.ARRAY_MODULE: _raise_module,
}

"""Dataclasses and named tuples come back without their code being run."""

import dataclasses
import functools
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import msgpack
import pytest

from starburst._codec import decode, encode
from starburst._codec.structure import Code
from starburst.errors import PayloadError, UnsafeResult

RoundTrip = Callable[..., Any]
T = TypeVar("T")
ran: list[str] = []


@dataclasses.dataclass
class Plain:
    a: int
    b: object = None

    def __post_init__(self) -> None:
        ran.append("init")


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: object = None


@dataclasses.dataclass
class Child(Plain):
    c: str = "c"


class Point(NamedTuple):
    x: int
    y: object = None


@dataclasses.dataclass
class Loud:
    a: int

    def __setattr__(self, name: str, value: object) -> None:
        ran.append("setattr")
        object.__setattr__(self, name, value)

    def __setstate__(self, state: object) -> None:
        ran.append("setstate")


@dataclasses.dataclass
class Mapping(dict):
    a: int = 0


class Outer:
    @dataclasses.dataclass
    class Inner:
        a: int


@pytest.mark.parametrize(
    "value",
    [
        Plain(1, [Frozen(2, Point(3, {"k": Child(4)}))]),
        Outer.Inner(1),
        {Frozen(1): Point(1, 2)},
        [Point(x, (x,)) for x in range(3)],
    ],
    ids=["nested", "inner class", "key", "tuples"],
)
def test_records_come_back(round_trip: RoundTrip, value: object) -> None:
    back = round_trip(value)
    assert back == value
    assert type(back) is type(value)


def test_no_method_of_the_class_runs(round_trip: RoundTrip) -> None:
    values = [Plain(1), Loud(2)]
    ran.clear()
    back = round_trip(values)
    assert not ran
    assert back == values


def test_field_that_was_never_set_stays_so(round_trip: RoundTrip) -> None:
    value = object.__new__(Frozen)
    object.__setattr__(value, "a", 1)
    back: Any = round_trip(value)
    assert back.a == 1
    assert not hasattr(back, "b")


def test_class_that_is_not_imported_is_named_and_not_imported(tmp_path: Any) -> None:
    (tmp_path / "lab.py").write_text(
        "import dataclasses\nprint('imported')\n@dataclasses.dataclass\nclass Thing:\n    a: int\n"
    )
    make = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lab;"
        "from starburst._codec import encode;"
        "sys.stdout.write(b''.join(encode(lab.Thing(1), mode='data').parts).hex())"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", make, str(tmp_path)], capture_output=True, check=True, text=True
    )
    data = bytes.fromhex(done.stdout.split("\n")[-1])
    with pytest.raises(PayloadError, match="import lab"):
        decode("data", memoryview(data), mode="data")
    assert "lab" not in sys.modules


@pytest.mark.parametrize(
    "value", [(x for x in "ab"), map(abs, [1]), filter(None, []), zip((), strict=True)]
)
def test_what_makes_its_values_later_is_refused_with_the_way_out(
    round_trip: RoundTrip, value: object
) -> None:
    with pytest.raises(UnsafeResult, match=r"result\['made'\] .* Return list\(\.\.\.\) of it"):
        round_trip({"made": value})


def test_what_an_async_function_returns_is_refused_with_the_way_out(
    round_trip: RoundTrip,
) -> None:
    async def later() -> int:
        return 1

    value = later()
    with pytest.raises(UnsafeResult, match=r"asyncio\.run"):
        round_trip(value)
    value.close()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Plain(1, lambda: 1), r"result\.b is of type function"),
        (Point(1, object()), r"result\.y is of type object"),
        (Mapping(a=1), "Mapping"),
        (Plain, "type"),
        (types.SimpleNamespace(a=1), "SimpleNamespace"),
    ],
    ids=["function", "object", "dict subclass", "class", "namespace"],
)
def test_what_is_not_data_is_refused(round_trip: RoundTrip, value: object, reason: str) -> None:
    with pytest.raises(UnsafeResult, match=reason):
        round_trip(value)


def test_class_made_in_a_function_is_refused(round_trip: RoundTrip) -> None:
    @dataclasses.dataclass
    class Local:
        a: int

    with pytest.raises(UnsafeResult, match="inside a function"):
        round_trip(Local(1))


@dataclasses.dataclass
class Reading:
    """Remembers what it once worked out."""

    values: list[int]

    @functools.cached_property
    def total(self) -> int:
        return sum(self.values)

    @functools.cached_property
    def lock(self) -> object:
        return threading.Lock()


class Hidden:
    __slots__ = ("_seen",)


@dataclasses.dataclass(slots=True)
class Slotted(Hidden):
    a: int
    b: list[int] = dataclasses.field(init=False)
    c: dataclasses.InitVar[int] = 0

    def __post_init__(self, c: int) -> None:
        self.b = [c]
        self._seen = c


@dataclasses.dataclass(frozen=True, slots=True)
class Boxed(Generic[T]):
    inside: T


@dataclasses.dataclass
class Open(Generic[T]):
    inside: T


class Named(Point):
    """A named tuple that holds more than its fields, as scipy's results do."""

    def __new__(cls, x: int, y: int, *, z: object) -> "Named":
        self = super().__new__(cls, x, y)
        vars(self)["z"] = z
        return self

    def __init__(self, *_: object, **__: object) -> None:
        ran.append("init")


def test_all_that_an_instance_stores_comes_back(round_trip: RoundTrip) -> None:
    value = Reading([1, 2])
    vars(value).update(extra={"a": (1,)}, total=value.total)
    back: Any = round_trip(value)
    assert vars(back) == vars(value)
    slotted: Any = round_trip(Slotted(1, 7))
    assert (slotted.a, slotted.b, slotted._seen) == (1, [7], 7)
    named, ran[:] = Named(1, 2, z=3.5), []
    again: Any = round_trip(named)
    assert (type(again), again, again.z, ran) == (Named, (1, 2), 3.5, [])
    assert round_trip([Boxed(1), Open[int](2)]) == [Boxed(1), Open(2)]


def test_what_is_kept_to_save_work_and_is_no_data_is_made_anew(round_trip: RoundTrip) -> None:
    value = Reading([1])
    assert value.lock
    assert "lock" in vars(value)
    assert "lock" not in vars(round_trip(value))


def test_an_attribute_that_is_no_data_is_refused_by_name(round_trip: RoundTrip) -> None:
    value = Plain(1)
    value.extra = abs  # type: ignore[attr-defined]
    with pytest.raises(UnsafeResult, match=r"'extra' .* Return dataclasses\.asdict\(result\)"):
        round_trip(value)
    with pytest.raises(UnsafeResult, match=r"'z' .* Return result\[0\]\._asdict\(\)"):
        round_trip([Named(1, 2, z=abs)])
    vars(value).update(extra=1, __wrapped__=2)
    with pytest.raises(UnsafeResult, match="'__wrapped__'"):
        round_trip(value)


@dataclasses.dataclass
class Checked:
    a: int
    VERIFY = True

    def check(self) -> bool:
        return self.VERIFY


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__reduce__", 1, "VERIFY", "check"])
def test_a_worker_cannot_set_what_python_or_the_class_goes_by(name: object) -> None:
    packed: Any = msgpack.packb([__name__, "Checked", ["a"], [1], {name: 0}])
    data: Any = msgpack.packb(msgpack.ExtType(Code.DATACLASS, packed))
    with pytest.raises(PayloadError, match=r"attributes that are none|hides an attribute"):
        decode("data", memoryview(b"\0" + data), mode="data")


def test_an_attribute_that_hides_one_of_the_class_is_refused(round_trip: RoundTrip) -> None:
    value = Checked(1)
    vars(value)["VERIFY"] = False
    with pytest.raises(UnsafeResult, match="'VERIFY', which hides one of its class"):
        round_trip(value)


class Finalized:
    """Code that would run on fields of a worker's choosing, unasked."""

    def __del__(self) -> None:
        ran.append("del")


@dataclasses.dataclass
class Closing(Finalized):
    path: str


def test_class_with_a_finalizer_is_not_made(round_trip: RoundTrip) -> None:
    value = Closing("a")
    ran.clear()
    with pytest.raises(PayloadError, match="__del__"):
        round_trip([value])
    assert not ran


def test_fields_of_another_version_of_the_class_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(encode(Frozen(1, 2), mode="data").parts)

    @dataclasses.dataclass
    class Other:
        z: int

    monkeypatch.setitem(globals(), "Frozen", Other)
    with pytest.raises(PayloadError, match="same code"):
        decode("data", memoryview(data), mode="data")

"""Enum members come back as themselves: names travel, and no code of the class runs."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from starburst._codec import decode, encode
from starburst._codec.structure import Code
from starburst.errors import IntegrityError, PayloadError, UnsafeResult

RoundTrip = Callable[..., Any]
ran: list[str] = []


class Sex(enum.Enum):
    FEMALE = "f"
    MALE = "m"
    F = "f"  # an alias


class Dose(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Tissue(enum.StrEnum):
    LIVER = enum.auto()


class Quality(enum.Flag):
    DEPTH = enum.auto()
    STRAND = enum.auto()
    BIAS = enum.auto()


class Bits(enum.IntFlag):
    A = 1
    B = 4


class Kept(enum.Flag, boundary=enum.KEEP):
    A = 1


class Loud(enum.Enum):
    """Would say so if its class were called, compared or looked up."""

    ONE = 1
    TWO = 2

    @classmethod
    def _missing_(cls, value: object) -> Loud:
        ran.append("missing")
        return cls.ONE

    def __hash__(self) -> int:
        ran.append("hash")
        return 1

    def __eq__(self, other: object) -> bool:
        ran.append("eq")
        return self is other


class LoudFlag(enum.Flag):
    A = 1
    B = 2

    @classmethod
    def _missing_(cls, value: object) -> LoudFlag:
        ran.append("missing")
        return cls.A

    def __or__(self, other: object) -> LoudFlag:
        ran.append("or")
        return self


@pytest.mark.parametrize(
    "value",
    [
        *(*Sex, Sex.F, *Dose, Tissue.LIVER, *Quality, Bits.B),
        Quality.DEPTH | Quality.BIAS,
        Quality(0),
        Bits.A | Bits.B,
        re.RegexFlag.I | re.RegexFlag.M,
    ],
    ids=str,
)
def test_members_and_combinations_come_back(round_trip: RoundTrip, value: enum.Enum) -> None:
    assert round_trip(value) is value
    back = round_trip({"a": [(value, {value: value})]})["a"][0]
    assert back[0] is value
    assert next(iter(back[1])) is value


def test_no_method_of_the_class_runs(round_trip: RoundTrip) -> None:
    fresh = LoudFlag.__dict__["_value2member_map_"]
    fresh.pop(3, None)
    data = b"\0" + _extension("LoudFlag", ["A", "B"])
    ran.clear()
    both: Any = decode("data", memoryview(data), mode="data")
    assert (type(both), both._value_) == (LoudFlag, 3)
    assert round_trip([Loud.TWO])[0] is Loud.TWO
    assert not ran


def test_a_value_that_is_no_member_is_refused(round_trip: RoundTrip) -> None:
    with pytest.raises(UnsafeResult, match="no member of its class"):
        round_trip(Kept(9))


def test_a_class_made_in_a_function_is_refused(round_trip: RoundTrip) -> None:
    class Local(enum.Enum):
        A = 1

    with pytest.raises(UnsafeResult, match="inside a function"):
        round_trip(Local.A)


def _extension(name: str, names: object, module: str = __name__) -> bytes:
    fields: Any = msgpack.packb([module, name, names])
    packed: Any = msgpack.packb(msgpack.ExtType(Code.ENUM, fields))
    return bytes(packed)


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (_extension("Sex", ["OTHER"]), PayloadError, "Sex.OTHER"),
        (_extension("Sex", ["__class__"]), PayloadError, "does not have"),
        (_extension("Sex", ["FEMALE", "MALE"]), IntegrityError, "2 members"),
        (_extension("Sex", []), IntegrityError, "0 members"),
        (_extension("Sex", [1]), PayloadError, "does not have"),
        (_extension("Sex", "FEMALE"), IntegrityError, "none"),
        (_extension("RoundTrip", ["x"]), PayloadError, "does not hold"),
        (_extension("PurePath", ["x"], "pathlib"), IntegrityError, "it is none"),
        (_extension("Thing", ["x"], "lab_of_somebody"), PayloadError, "import lab_of_somebody"),
    ],
)
def test_a_forged_member_is_refused(data: bytes, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        decode("data", memoryview(b"\0" + data), mode="data")


def test_a_member_says_where_it_is_missing() -> None:
    data = b"".join(encode(Sex.MALE, mode="data").parts).replace(b"MALE", b"MOLE")
    with pytest.raises(PayloadError, match="same code"):
        decode("data", memoryview(data), mode="data")

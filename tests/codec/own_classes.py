"""A script with classes of its own: results of them leave a worker and come back, by each mode.

``python own_classes.py`` is the client. It prints what came back as JSON, and in ``pickles`` the
results as they were read, for a client that has none of these classes.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from starburst._codec import decode, encode
from starburst._functions.payload import dump_function, load

T = TypeVar("T")


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int
    b: list[object]


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int


@dataclasses.dataclass
class Late:
    a: int
    b: int = dataclasses.field(init=False)
    c: dataclasses.InitVar[int] = 3

    def __post_init__(self, c: int) -> None:
        self.b = c


@dataclasses.dataclass
class Child(Late):
    d: int = 4


@dataclasses.dataclass
class Box(Generic[T]):
    inside: T


class Point(NamedTuple):
    x: int


class Sex(enum.Enum):
    FEMALE = "f"


class Quality(enum.Flag):
    DEPTH = 1
    BIAS = 2


class Model:
    """Not data."""

    def __init__(self, weight: int) -> None:
        self.weight = weight

    def __eq__(self, other: object) -> bool:
        return type(other) is Model and other.weight == self.weight

    __hash__ = None  # type: ignore[assignment]


class Bare:
    __slots__ = ("weight",)

    def __init__(self, weight: int) -> None:
        self.weight = weight

    def __eq__(self, other: object) -> bool:
        return type(other) is Bare and other.weight == self.weight

    __hash__ = None  # type: ignore[assignment]


class Named(dict[str, int]):
    pass


VALUES: dict[str, Callable[[], Any]] = {
    "slots": lambda: Slotted(1, [2]),
    "frozen": lambda: Frozen(1),
    "late": lambda: [Late(1), Child(2, d=5)],
    "generic": lambda: Box[int](1),
    "tuple": lambda: Point(1),
    "enum": lambda: {Sex.FEMALE: Quality.DEPTH | Quality.BIAS},
    "model": lambda: Model(3),
    "bare": lambda: Bare(3),
    "dict": lambda: Named(a=1),
    "all": lambda: [Slotted(1, [Model(3)]), Bare(2), Frozen(1), Late(1), Point(1), Sex.FEMALE],
}


def answer() -> None:
    """Be the worker: run each function, by either mode."""
    answers: dict[str, tuple[str, bytes] | str] = {}
    for name, function in pickle.load(sys.stdin.buffer).items():  # noqa: S301 - our own
        for mode in ("data", "pickle"):
            try:
                encoded = encode(load(function)(), mode=mode)
                answers[f"{name} {mode}"] = encoded.format, b"".join(encoded.parts)
            except Exception as error:
                answers[f"{name} {mode}"] = str(error)
    sys.stdout.buffer.write(pickle.dumps(answers))


def main() -> None:
    """Be the client."""
    functions = {name: dump_function(function) for name, function in VALUES.items()}
    worker = "from tests.codec.own_classes import answer; answer()"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", worker],
        input=pickle.dumps(functions),
        capture_output=True,
        check=True,
    )
    found: dict[str, object] = {}
    pickles: dict[str, str] = {}
    for name, sent in pickle.loads(done.stdout).items():  # noqa: S301 - our own
        kind, _, mode = name.partition(" ")
        if isinstance(sent, str):
            found[name] = sent
            continue
        wanted = VALUES[kind]()
        back = decode(sent[0], memoryview(bytearray(sent[1])), mode=mode)  # type: ignore[arg-type]
        found[name] = back == wanted and type(back) is type(wanted)
        pickles |= {name: sent[1].hex()} if sent[0] == "pickle" else {}
    print(json.dumps({"found": found, "pickles": pickles}))


if __name__ == "__main__":
    main()

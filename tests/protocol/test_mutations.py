"""Ten thousand structured mutations of sealed objects: none reaches a deserializer.

The canary: every function that turns bytes into values raises, and no reader may catch it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import cloudpickle
import msgpack
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from starburst._codec import wire
from starburst._protocol.sealed import envelope, failure
from starburst._protocol.sealed.signing import verify
from starburst.errors import IntegrityError
from tests.protocol.forgery import KEY, KINDS, SEGMENT, SESSION, SIGNER, Kind, forge
from tests.protocol.mutations import INSIDE, OUTSIDE, mutations

SEED: Final = 20261122
LEAST: Final = 40
"""Of each class, over all kinds of objects."""

DECODERS: Final[tuple[tuple[Any, str], ...]] = (
    *((pickle, name) for name in ("loads", "load", "Unpickler", "_Unpickler", "_loads")),
    *((cloudpickle, name) for name in ("loads", "load")),
    *((msgpack, name) for name in ("unpackb", "unpack", "Unpacker")),
    *((np, name) for name in ("frombuffer", "load", "fromfile")),
    *((pa.ipc, name) for name in ("open_stream", "open_file", "read_message")),
    *((pl, name) for name in ("read_ipc_stream", "read_ipc")),
    *((pd, name) for name in ("read_pickle", "Series", "DataFrame", "Index")),
    (wire, "split"),
    (failure.Failure, "from_data"),
)
"""Whatever could parse a plaintext, by the names that our readers call."""

HEADER_READERS: Final[tuple[tuple[Any, str], ...]] = (
    (json, "loads"),
    (json, "load"),
    (zstandard, "ZstdDecompressor"),
    (zstandard, "get_frame_parameters"),
)
"""What reads an envelope's own header and compression: closed to who holds no key."""


class CanaryDied(BaseException):
    """Bytes reached a parser. Not an Exception, so that no reader can take it for its own."""


@contextmanager
def canary(*watched: tuple[Any, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in watched:
            patch.setattr(owner, name, _death(name))
        yield


def _death(name: str) -> Callable[..., NoReturn]:
    def die(*_: object, **__: object) -> NoReturn:
        raise CanaryDied(name)

    return die


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst._protocol.sealed.header.SEGMENT_BYTES", SEGMENT)


def has_true_header(kind: Kind, data: bytes) -> bool:
    """Whether a holder of the keys made everything up to the segments."""
    try:
        sealed = verify(data, public=SIGNER.public) if kind.signed else memoryview(data)
    except IntegrityError:
        return False
    text = bytes(sealed[70 : 70 + int.from_bytes(sealed[4:6], "big")])
    return bool(sealed[:4] == b"SBE1" and sealed[38:70] == _commitment(bytes(sealed[6:38]), text))


def _commitment(salt: bytes, text: bytes) -> bytes:
    info = b"starburst envelope 1\0" + hashlib.sha256(text).digest()
    hkdf = HKDF(algorithm=hashes.SHA256(), length=64, salt=salt, info=info)
    return hkdf.derive(KEY)[32:] if len(salt) == 32 else b""


def refuse(offered: list[tuple[str, str, bytes]], *watched: tuple[Any, str]) -> Counter[str]:
    """Offer mutations to their readers; return how many of each class were refused."""
    refused: Counter[str] = Counter()
    with canary(*watched):
        for name, kind, mutated in offered:
            try:
                KINDS[kind].read(mutated)
            except IntegrityError:
                refused[name] += 1
            except CanaryDied as death:
                pytest.fail(f"{death} saw a {kind}: {name}, {mutated.hex()}")
            else:
                pytest.fail(f"accepted as a {kind}: {name}, {mutated.hex()}")
    return refused


def test_ten_thousand_mutations_reach_no_deserializer() -> None:
    """Not even the envelope's own header is parsed, unless a holder of the key wrote it."""
    classes = {**OUTSIDE, **INSIDE}
    offered = list(mutations(classes, SEED))
    true = [has_true_header(KINDS[kind], mutated) for _, kind, mutated in offered]
    strangers = list(itertools.compress(offered, [not each for each in true]))
    refused = refuse(strangers, *DECODERS, *HEADER_READERS)
    refused += refuse(list(itertools.compress(offered, true)), *DECODERS)
    for name in classes:
        print(f"{refused[name]:>6,} {name}")
        assert refused[name] >= LEAST
    print(f"{refused.total():>6,} in all; {len(strangers):,} of them before any parser whatever")
    assert len(offered) == refused.total() >= 10_000
    assert len({mutated for _, _, mutated in offered}) >= 10_000


@pytest.mark.parametrize("name", KINDS)
def test_the_canary_dies_of_a_good_object(name: str) -> None:
    good = KINDS[name].make(SESSION, KEY, SIGNER)
    assert KINDS[name].read(good) is not None
    with canary(*DECODERS), pytest.raises(CanaryDied):
        KINDS[name].read(good)
    with canary(*HEADER_READERS), pytest.raises(CanaryDied, match="loads"):
        KINDS[name].read(good)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_forged_honestly_is_accepted(name: str) -> None:
    """The forger makes what the sealer makes, so its mutations fail for their mutation."""
    kind = KINDS[name]
    good = kind.make(SESSION, KEY, SIGNER)
    sealed = good[:-64] if kind.signed else good
    plain = bytes(envelope.unseal(sealed, key=KEY, expect=kind.header))
    assert kind.read(forge(kind, plain)) is not None
    squeezed = zstandard.compress(plain)
    assert kind.read(forge(kind, squeezed, compression="zstd", size=len(plain))) is not None


def test_the_same_seed_makes_the_same_classes() -> None:
    def census() -> Counter[tuple[str, str]]:
        return Counter((name, kind) for name, kind, _ in mutations({**OUTSIDE, **INSIDE}, SEED))

    assert census() == census()

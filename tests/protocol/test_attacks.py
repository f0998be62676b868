"""An attacker who can write to storage but lacks the key achieves nothing but a typed error.

The canary: every parser that could see plaintext is replaced by one that records its call.
"""

# ruff: noqa: S311 - mutations are drawn from a seed so that a failure repeats

import json
import pickle
import random
from collections.abc import Iterator
from dataclasses import replace

import msgpack
import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from starburst._protocol.sealed.envelope import Header, seal, unseal
from starburst._protocol.sealed.header import derive, header_text
from starburst._protocol.sealed.segments import nonce
from starburst.errors import IntegrityError

KEY = bytes(range(32))
HEADER = Header(session="a" * 20, kind="result", name="c00000012", attempt=1, format="data")
MIB = 2**20
PREAMBLE = 70
SEGMENT = MIB + 16


class Evil:
    """Says so if it is ever unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("a forged object was unpickled",)


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Record the use of any parser; a rejected object must reach none."""
    calls: list[str] = []

    def record(name: str) -> object:
        return lambda *_, **__: calls.append(name)

    monkeypatch.setattr(pickle, "loads", record("pickle"))
    monkeypatch.setattr(msgpack, "unpackb", record("msgpack"))
    monkeypatch.setattr(json, "loads", record("json"))
    monkeypatch.setattr(zstandard, "ZstdDecompressor", record("zstd"))
    yield calls
    assert not calls


def sealed_object(size: int = 2 * MIB + 100) -> bytes:
    return bytes(seal([random.Random(1).randbytes(size)], key=KEY, header=HEADER, compress=False))


SEALED = sealed_object()
START = len(SEALED) - 3 * 16 - (2 * MIB + 100)


def structured_mutations() -> Iterator[tuple[str, bytes]]:
    """Bit flips in every region, cuts at every boundary, additions, exchanges, repetitions."""
    draw = random.Random(20261122)
    regions = {
        "magic": (0, 4),
        "length": (4, 6),
        "salt": (6, 38),
        "commitment": (38, PREAMBLE),
        "header": (PREAMBLE, START),
        "segments": (START, len(SEALED)),
        "last tag": (len(SEALED) - 16, len(SEALED)),
    }
    for name, (low, high) in regions.items():
        for _ in range(40):
            at, bit = draw.randrange(low, high), draw.randrange(8)
            changed = bytearray(SEALED)
            changed[at] ^= 1 << bit
            yield f"flip {name} {at}.{bit}", bytes(changed)
    one, two, three = START, START + SEGMENT, START + 2 * SEGMENT
    ends = [0, 1, 4, 6, 38, PREAMBLE, START, two, three, len(SEALED)]
    for end in ends:
        for near in (end - 1, end, end + 1):
            if 0 <= near < len(SEALED):
                yield f"cut at {near}", SEALED[:near]
    for extra in (b"\0", bytes(16), SEALED[three:], SEALED[one:two], SEALED):
        yield f"extended by {len(extra)}", SEALED + extra
    head, first, second, last = (
        SEALED[:one],
        SEALED[one:two],
        SEALED[two:three],
        SEALED[three:],
    )
    yield "segments exchanged", head + second + first + last
    yield "segment repeated", head + first + first + last
    yield "segment dropped", head + first + last
    yield "last segment dropped", head + first + second
    yield "last segment first", head + last + first + second
    other = sealed_object()
    yield "foreign segment", head + other[one:two] + second + last
    yield "foreign header", other[:one] + SEALED[one:]
    yield "foreign salt", SEALED[:6] + other[6:38] + SEALED[38:]
    yield "foreign commitment", SEALED[:38] + other[38:PREAMBLE] + SEALED[PREAMBLE:]
    yield "bare pickle", pickle.dumps(Evil())
    yield "pickle behind a header", SEALED[:START] + pickle.dumps(Evil())
    yield "nothing", b""
    for length in (0, 1, 4095, 4096, 65535):
        yield f"header length {length}", SEALED[:4] + length.to_bytes(2, "big") + SEALED[6:]
    for _ in range(40):
        yield "noise", draw.randbytes(draw.randrange(400))
        yield "noise behind the magic", SEALED[:4] + draw.randbytes(draw.randrange(400))


def test_no_structured_mutation_reaches_a_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    for module, name in ((pickle, "loads"), (msgpack, "unpackb")):
        monkeypatch.setattr(module, name, lambda *_, **__: reached.append("parsed"))
    count = 0
    for what, mutated in structured_mutations():
        if mutated == SEALED:
            continue
        count += 1
        try:
            unseal(mutated, key=KEY, expect=HEADER)
        except IntegrityError:
            continue
        pytest.fail(f"accepted: {what}")
    assert count > 400
    assert not reached


def test_changed_header_is_refused_before_json_sees_it(canary: list[str]) -> None:
    changed = SEALED.replace(b'"result"', b'"input_"')
    with pytest.raises(IntegrityError, match="header was changed"):
        unseal(changed, key=KEY, expect=HEADER)


def test_foreign_key_is_refused_before_json_sees_it(canary: list[str]) -> None:
    with pytest.raises(IntegrityError, match="another key"):
        unseal(SEALED, key=bytes(32), expect=HEADER)


def test_input_cannot_come_back_as_a_result() -> None:
    sent = seal([pickle.dumps(Evil())], key=KEY, header=replace(HEADER, kind="input"))
    with pytest.raises(IntegrityError, match="its kind is 'input'"):
        unseal(sent, key=KEY, expect=HEADER)


def forge(size: int, body: bytes, fields: dict[str, object] | None = None) -> bytes:
    """Seal as a worker that was taken over could: with the key, but dishonestly."""
    text = header_text(HEADER, size=size, stored=len(body), compression="zstd")
    if fields:
        text = json.dumps({**json.loads(text), **fields}, sort_keys=True, separators=(",", ":"))
        text = text.encode()
    salt = bytes(32)
    subkey, commitment = derive(KEY, salt, text)
    preamble = b"SBE1" + len(text).to_bytes(2, "big") + salt + commitment + text
    cipher = AESGCM(subkey)
    segments = [body[at : at + MIB] for at in range(0, len(body), MIB)] or [b""]
    sealed = [
        cipher.encrypt(nonce(n, last=n == len(segments) - 1), segment, preamble)
        for n, segment in enumerate(segments)
    ]
    return preamble + b"".join(sealed)


def test_forge_makes_what_seal_makes() -> None:
    body = zstandard.compress(bytes(1000))
    assert unseal(forge(1000, body), key=KEY, expect=HEADER) == bytes(1000)


@pytest.mark.parametrize(
    ("size", "body"),
    [
        pytest.param(10, zstandard.compress(bytes(100 * MIB)), id="more than declared"),
        pytest.param(MIB, zstandard.compress(bytes(10)), id="less than declared"),
        pytest.param(10, zstandard.compress(bytes(10))[:-1], id="cut short"),
        pytest.param(10, b"not zstd at all", id="garbage"),
        pytest.param(10, b"", id="empty"),
        pytest.param(
            64 * MIB,
            zstandard.ZstdCompressor(
                compression_params=zstandard.ZstdCompressionParameters(window_log=26)
            ).compress(random.Random(2).randbytes(64) * MIB),
            id="large window",
        ),
    ],
)
def test_holder_of_the_key_cannot_send_a_bomb(size: int, body: bytes) -> None:
    with pytest.raises(IntegrityError, match="decompress"):
        unseal(forge(size, body), key=KEY, expect=HEADER)


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 2**62},
        {"size": -1},
        {"size": 1.5},
        {"size": True},
        {"stored": 2**62},
        {"stored": 0},
        {"attempt": -1},
        {"attempt": "1"},
        {"compression": "lzma"},
        {"compression": "none"},
        {"session": 7},
        {"format": None},
        {"v": 2},
        {"segment": 1},
        {"another": 1},
        {"name": "n" * 4000},
    ],
)
def test_holder_of_the_key_cannot_declare_nonsense(fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        unseal(forge(1000, zstandard.compress(bytes(1000)), fields), key=KEY, expect=HEADER)


def test_compressed_object_that_is_cut_after_a_frame_is_refused() -> None:
    body = zstandard.compress(bytes(1000)) + zstandard.compress(bytes(1000))
    with pytest.raises(IntegrityError):
        unseal(forge(3000, body), key=KEY, expect=HEADER)

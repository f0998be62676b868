"""Structured mutations of sealed objects, class by class, drawn from a seed.

``OUTSIDE`` is what an attacker can do who reads and writes storage but holds no key. ``INSIDE`` is
what a worker can do that was taken over and holds the data key; the client's signature is put on
those too, so that the envelope alone must refuse them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import zstandard

from starburst._protocol.sealed.envelope import Header, seal
from starburst._protocol.sealed.result_nodes import node_name
from starburst._protocol.sealed.signing import SIGNATURE_BYTES
from tests.protocol.forgery import (
    CHUNK,
    KEY,
    KINDS,
    SESSION,
    SIGNER,
    THEIR_KEY,
    THEIR_SIGNER,
    Kind,
    Parts,
    forge,
)

__all__ = ["INSIDE", "OUTSIDE", "mutations"]

Mutations = Iterator[bytes]
Class = Callable[[Kind, bytes, random.Random], Mutations]

_OTHER: Final = "b" * 20


def mutations(classes: dict[str, Class], seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield class, kind and bytes of each mutation; never a good object."""
    for kind_name, kind in KINDS.items():
        good = kind.make(SESSION, KEY, SIGNER)
        for name, make in classes.items():
            draw = random.Random(f"{seed} {kind_name} {name}")  # noqa: S311 - so that it repeats
            for mutated in make(kind, good, draw):
                if mutated != good:
                    yield name, kind_name, mutated


def _flips(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= 1 << draw.randrange(8)
        yield bytes(changed)


def _cuts(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    yield from (good[:end] for end in range(0, len(good), 3 if kind.signed else 1))
    for _ in range(60):
        low, high = sorted(draw.sample(range(len(good) + 1), 2))
        yield good[:low] + good[high:]


def _extensions(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    for length in (*range(1, 20), 64, 80, len(good)):
        yield good + bytes(length)
        yield draw.randbytes(length) + good
        yield good + good[-length:]


def _segments(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Drop, repeat and rearrange whole segments: every choice of up to four of them."""
    parts = Parts.of(good, signed=kind.signed)
    choices = itertools.chain.from_iterable(
        itertools.product(parts.segments, repeat=count) for count in range(5)
    )
    for chosen in itertools.islice(choices, 0, None, 3 if kind.signed else 1):
        yield replace(parts, segments=chosen).join()


def _transplants(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Put an object together from parts of four: of this one, and of true ones from elsewhere."""
    elsewhere = [
        kind.make(SESSION, KEY, SIGNER),  # the same once more: only as a whole is it good
        kind.make(_OTHER, KEY, SIGNER),
        kind.make(SESSION, THEIR_KEY, THEIR_SIGNER),
    ]
    donors = [Parts.of(each, signed=kind.signed) for each in (good, *elsewhere)]
    names = ["salt", "commitment", "header", "segments", *(["signature"] if kind.signed else [])]
    choices = itertools.product(donors, repeat=len(names))
    for picks in itertools.islice(choices, 0, None, 3 if kind.signed else 1):
        taken = {name: getattr(pick, name) for name, pick in zip(names, picks, strict=True)}
        length = len(taken["header"]).to_bytes(2, "big")
        joined = replace(donors[0], length=length, **taken).join()
        if joined not in (good, elsewhere[0]):
            yield joined


_FIELDS: Final[dict[str, tuple[object, ...]]] = {
    "attempt": (-1, 0, 2, 2**63, "1", None, 1.0, True),
    "compression": ("zstd", "gzip", "", None, 1),
    "format": ("pickle", "cloudpickle", "data", "results", "chunk", "ledger", "", None),
    "kind": ("function", "input", "result", "", None),
    "name": ("f1", "f2", "../f1", CHUNK, "p000002", "", None),
    "segment": (0, 1, 2**20, None),
    "session": (_OTHER, "", "../" + SESSION, None),
    "size": (0, 1, 2**32, 5 * 10**9, 2**62, -1, None, "9"),
    "stored": (0, 1, 2**32, 5 * 10**9, 2**62, -1, None, "9"),
    "v": (0, 2, -1, "1", 1.5, None),
    "more": (1,),
}


def _edits(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Write another header over the true one."""
    parts = Parts.of(good, signed=kind.signed)
    for name, values in _FIELDS.items():
        for value in values:
            fields = {**json.loads(parts.header), name: value}
            if value is None:
                del fields[name]
            for text in (
                json.dumps(fields, sort_keys=True, separators=(",", ":")),
                json.dumps(fields),
            ):
                length = len(text).to_bytes(2, "big")
                yield replace(parts, header=text.encode(), length=length).join()
    for length in (0, 1, 4095, 4096, 65535, len(parts.header) - 1, len(parts.header) + 1):
        yield replace(parts, length=length.to_bytes(2, "big")).join()


def _magic(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    yield from (magic + good[4:] for magic in (b"SBE0", b"SBE2", b"sbe1", b"\x80\x05\x95\0"))
    yield from (draw.randbytes(draw.randrange(600)) for _ in range(40))
    yield from (good[:4] + draw.randbytes(draw.randrange(600)) for _ in range(40))


def _keys(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """What another session's or another user's keys made, complete and otherwise in order."""
    for _ in range(40):
        yield kind.make(SESSION, draw.randbytes(32), SIGNER)
    yield kind.make(SESSION, THEIR_KEY, THEIR_SIGNER)
    if kind.signed:
        yield from (kind.make(SESSION, KEY, THEIR_SIGNER) for _ in range(5))


def _signatures(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Take the signature away, exchange it, put it where none belongs."""
    sealed = good[:-SIGNATURE_BYTES] if kind.signed else good
    signature = good[-SIGNATURE_BYTES:]
    raw = SIGNER._key.sign
    wrong = [
        bytes(64),
        b"\xff" * 64,
        signature[32:] + signature[:32],
        signature[::-1],
        raw(sealed),
        raw(hashlib.sha256(sealed).digest()),
        *(raw(draw.randbytes(90)) for _ in range(20)),
        *(SIGNER.sign(draw.randbytes(90))[-SIGNATURE_BYTES:] for _ in range(20)),
        THEIR_SIGNER.sign(sealed)[-SIGNATURE_BYTES:],
    ]
    yield from (sealed + each for each in wrong)
    yield SIGNER.sign(good)
    if kind.signed:
        yield sealed
        yield signature + sealed
        yield good + signature


def _reflections(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Offer true objects of every other kind, signed and unsigned."""
    for other in KINDS.values():
        if other is kind:
            continue
        true = other.make(SESSION, KEY, SIGNER)
        yield true
        yield true[:-SIGNATURE_BYTES] if other.signed else SIGNER.sign(true)


OUTSIDE: Final[dict[str, Class]] = {
    "bits flipped": _flips,
    "cut": _cuts,
    "extended": _extensions,
    "segments rearranged": _segments,
    "parts transplanted": _transplants,
    "header edited": _edits,
    "magic and noise": _magic,
    "another's keys": _keys,
    "signatures exchanged": _signatures,
}


def _elsewhere(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """What was sealed with this key for another place: task, range, session, kind, format."""
    here = kind.header
    places: list[Header] = []
    for number in range(40):
        places.append(replace(here, session=f"{number:020d}"))
        places.append(replace(here, name=f"p{number + 2:06d}-00000"))
        places.append(replace(here, name=f"{here.name}/{number}"))
        places.append(replace(here, name=node_name(CHUNK, number, number + 4)))
    places += [replace(here, kind=each) for each in ("function", "input", "result")]
    places += [replace(here, format=each) for each in ("data", "pickle", "cloudpickle", "chunk")]
    if kind.signed:
        places += [replace(here, attempt=each) for each in range(1, 10)]
    for place in places:
        if place != here:
            sealed = seal([b"true, but elsewhere" * 9], key=KEY, header=place)
            yield SIGNER.sign(sealed) if kind.signed else bytes(sealed)


def _versions(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    for version in (0, 2, -1, "1", 1.0, True, [1], 2**70):
        yield forge(kind, b"old" * 90, fields={"v": version})
    for magic in (b"SBE0", b"SBE2"):
        yield forge(kind, b"old" * 90, magic=magic)
        yield forge(kind, b"old" * 90, magic=magic, fields={"v": int(magic[3:])})


def _lies(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Declare other sizes, and nonsense in every field, under a true tag."""
    numbers = (0, 1, 63, 64, 65, 2**31, 2**32, 5 * 10**9, 2**62, 2**64, -1, 1.5, "270", True, None)
    for number in numbers:
        for names in (("size",), ("stored",), ("size", "stored")):
            yield forge(kind, b"lie" * 90, fields=dict.fromkeys(names, number))
    for name, values in _FIELDS.items():
        if name not in ("size", "stored", "attempt", "compression"):
            for value in values:
                if getattr(kind.header, name, object()) != value:
                    segment = value if name != "segment" or value != 2**20 else 7
                    yield forge(kind, b"lie" * 90, fields={name: segment})
    yield from (forge(kind, b"", fields={"pad": "x" * length}) for length in (10, 3000))


def _bombs(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Compressed data that is not what it says."""

    def squeezed(size: int, window: int = 0) -> bytes:
        options = {"window_log": window} if window else {"compression_level": 1}
        parameters = (
            zstandard.ZstdCompressionParameters(**options)
            if window
            else zstandard.ZstdCompressionParameters.from_level(1)
        )
        return zstandard.ZstdCompressor(compression_params=parameters).compress(bytes(size))

    million = squeezed(10**6)
    for size in (0, 1, 100, 10**6 - 1, 10**6 + 1, 2**31, 2**32 - 1):
        yield forge(kind, million, compression="zstd", size=size)
    for end in range(0, len(million) - 1, 2):
        yield forge(kind, million[:end], compression="zstd", size=10**6)
    yield forge(kind, million + million, compression="zstd", size=2 * 10**6)
    yield forge(kind, million + b"more", compression="zstd", size=10**6 + 4)
    yield forge(kind, squeezed(2**25, window=25), compression="zstd", size=2**25)
    for _ in range(20):
        yield forge(kind, draw.randbytes(200), compression="zstd", size=draw.randrange(10**6))


def _nonces(kind: Kind, good: bytes, draw: random.Random) -> Mutations:
    """Segments that say wrongly which they are, or whether they are the last."""
    body = draw.randbytes(4 * 64 - 10)
    for flags in itertools.product((False, True), repeat=4):
        if flags != (False, False, False, True):
            yield forge(kind, body, flags=flags)
    for counters in itertools.product(range(4), repeat=4):
        if counters != (0, 1, 2, 3) and draw.randrange(4) == 0:
            yield forge(kind, body, counters=counters)
    yield forge(kind, body, preamble_differs=True)


INSIDE: Final[dict[str, Class]] = {
    "reflected": _reflections,
    "from elsewhere": _elsewhere,
    "another version": _versions,
    "lies in the header": _lies,
    "bombs": _bombs,
    "counters and last flags": _nonces,
}

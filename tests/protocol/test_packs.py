"""Packs and leases: each lease names the bytes of its own chunk, and the ledger names them all."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

import pytest

from starburst._protocol.sealed.chunks import (
    INLINE_BYTES,
    Chunk,
    ChunkMessage,
    Ledger,
    open_chunk,
    open_ledger,
    read_message,
    write_pack,
)
from starburst._protocol.sealed.envelope import Header, seal
from starburst._protocol.sealed.signing import SigningKey
from starburst._protocol.sealed.tables import dump_table
from starburst.errors import IntegrityError

KEY = bytes(range(32))
SIGNER = SigningKey.generate()
SESSION, PACK = "s" * 20, "p000001"
TERMS: dict[str, Any] = {"session": SESSION, "key": KEY, "public": SIGNER.public}


def chunk(number: int, first: int, inputs: list[bytes]) -> Chunk:
    return Chunk(name=f"{PACK}-{number:05d}", function=f"f{number}", first=first, inputs=inputs)


CHUNKS = [chunk(0, 0, [b"a", b"", b"ccc"]), chunk(1, 3, [b"x" * 999]), chunk(2, 9, [b"", b"z"])]


def written(chunks: list[Chunk]) -> tuple[bytes, list[ChunkMessage]]:
    parts, messages = write_pack(PACK, chunks, session=SESSION, key=KEY, signer=SIGNER)
    return b"".join(bytes(part) for part in parts), messages


def read(signed: Any, name: str) -> Chunk:
    found = open_chunk(signed, name=name, **TERMS)
    return dataclasses.replace(found, inputs=[bytes(each) for each in found.inputs])


def test_each_lease_leads_to_its_own_chunk_and_covers_all_of_it() -> None:
    body, messages = written(CHUNKS)
    for made, message in zip(CHUNKS, messages, strict=True):
        place = body[message.offset : message.offset + message.length]
        assert read(place, made.name) == made
        assert message.inline == place
        assert (message.chunk, message.lo, message.hi) == (made.name, 0, len(made.inputs))
        assert not message.again
        assert read_message(message.to_body()) == message
        later = dataclasses.replace(message, again=True)
        assert read_message(later.to_body()) == later
        assert later.over(0, 1) == dataclasses.replace(message, lo=0, hi=1)
    assert messages[-1].offset + messages[-1].length == len(body)


def test_the_ledger_is_read_from_the_first_bytes_and_says_how_many_it_needs() -> None:
    body, messages = written(CHUNKS)
    with pytest.raises(IntegrityError, match="cut short"):
        open_ledger(body[:3], pack=PACK, **TERMS)
    need = messages[0].offset
    assert open_ledger(body[:4], pack=PACK, **TERMS) == need
    assert open_ledger(body[: need - 1], pack=PACK, **TERMS) == need
    found = open_ledger(body[:need], pack=PACK, **TERMS)
    assert isinstance(found, Ledger)
    assert found == open_ledger(body, pack=PACK, **TERMS)
    assert found.pack == PACK
    assert [(e.name, e.first, e.tasks, e.offset, e.length) for e in found.entries] == [
        (made.name, made.first, len(made.inputs), message.offset, message.length)
        for made, message in zip(CHUNKS, messages, strict=True)
    ]
    with pytest.raises(IntegrityError):
        open_ledger(body, pack="p000002", **TERMS)


def test_a_chunk_travels_in_its_message_up_to_one_billing_unit() -> None:
    noise = os.urandom(2 * INLINE_BYTES)  # which nothing makes smaller

    def message(size: int) -> ChunkMessage:
        _, (made,) = written([chunk(0, 0, [noise[:size]])])
        return made

    most = INLINE_BYTES - (message(40_000).length - 40_000)
    assert message(most).length == INLINE_BYTES
    assert message(most).inline is not None
    assert message(most + 1).inline is None
    for made in (message(most), message(most + 1)):
        assert len(made.to_body()) < 65_536
        assert read_message(made.to_body()) == made


LEASE = {
    "protocol": 1,
    "chunk": "p000001-00000",
    "range": [0, 1],
    "at": ["p000001", 0, 9],
    "inline": None,
}


@pytest.mark.parametrize(
    "fields",
    [
        {"range": [0, 65_536]},
        {"range": [65_535, 65_536]},
        {"at": ["p000001", 2**43 - 9, 9]},
        {"at": ["p000001", 0, 2**43]},
        {"inline": ""},
    ],
    ids=str,
)
def test_a_lease_may_name_all_that_there_can_be(fields: dict[str, Any]) -> None:
    assert read_message(json.dumps({**LEASE, **fields})).to_body()


@pytest.mark.parametrize(
    "fields",
    [
        *({"range": [1, 1]}, {"range": [2, 1]}, {"range": [0, 65_537]}, {"range": [-1, 1]}),
        *({"range": [0, True]}, {"range": [0, 1.0]}, {"range": [0]}, {"range": None}),
        *({"at": ["p000002", 0, 9]}, {"at": ["p000001", 0, 0]}, {"at": ["p000001", -1, 9]}),
        *({"at": ["p000001", 2**43 - 8, 9]}, {"at": ["p000001", 0]}, {"at": [1, 0, 9]}),
        *({"chunk": "p000001"}, {"chunk": "p000001-0000"}, {"chunk": "../p000001-00000"}),
        *({"chunk": "p000001-00000\n"}, {"chunk": None}, {"chunk": 5}),
        *({"inline": "no base64!"}, {"inline": 5}, {"protocol": 99}, {"protocol": None}),
    ],
    ids=str,
)
def test_a_message_that_names_no_part_of_a_chunk_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=r"^message "):
        read_message(json.dumps({**LEASE, **fields}))


@pytest.mark.parametrize(
    "table",
    [
        *(["f", 0], ["f", 0, [1, 1], 5], [5, 0, [1, 1]], ["f", -1, [1, 1]], ["f", 0, [1, -1]]),
        *(["f", 0, [1, 2]], ["f", 0, [1]], ["f", 0, [3]], ["f", 0, 2], 7, None),
    ],
    ids=str,
)
def test_a_chunk_whose_table_does_not_fit_it_is_refused(table: Any) -> None:
    """Signed and sealed by a client of another release, or by one that is wrong."""
    name = CHUNKS[0].name
    header = Header(session=SESSION, kind="input", name=name, attempt=0, format="chunk")
    packed = dump_table(table)
    plain = [len(packed).to_bytes(4, "big"), packed, b"ab"]
    with pytest.raises(IntegrityError, match=f"chunk {name} is malformed"):
        open_chunk(SIGNER.sign(seal(plain, key=KEY, header=header)), name=name, **TERMS)
    cut = SIGNER.sign(seal([b"abc"], key=KEY, header=header))
    with pytest.raises(IntegrityError, match=f"chunk {name} is cut short"):
        open_chunk(cut, name=name, **TERMS)


@pytest.mark.parametrize(
    "entry",
    [
        *(["p000001-00000", 0, 1, 0], [5, 0, 1, 0, 9], ["p000001-00000", -1, 1, 0, 9]),
        *(["p000001-00000", 0, -1, 0, 9], ["p000001-00000", 0, 1, -1, 9]),
        *(["p000001-00000", 0, 1, 0, -9], ["p000001-00000", 0.5, 1, 0, 9], 7),
    ],
    ids=str,
)
def test_a_ledger_of_another_shape_is_refused(entry: Any) -> None:
    header = Header(session=SESSION, kind="input", name=PACK, attempt=0, format="ledger")
    signed = bytes(SIGNER.sign(seal([dump_table([entry])], key=KEY, header=header)))
    with pytest.raises(IntegrityError, match=f"the ledger of pack {PACK} is malformed"):
        open_ledger(len(signed).to_bytes(4, "big") + signed, pack=PACK, **TERMS)

"""Sealing: whatever is sealed comes back, and only as what it was."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starburst._protocol.sealed import envelope
from starburst._protocol.sealed.envelope import (
    ANY_ATTEMPT,
    ANY_FORMAT,
    Header,
    open_sealed,
    seal,
    unseal,
)
from starburst.errors import IntegrityError

KEY = bytes(range(32))
HEADER = Header(session="a" * 20, kind="result", name="c00000012", attempt=1, format="data")
MIB = 2**20


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(st.binary(max_size=3000), max_size=5), st.booleans())
def test_any_parts_come_back(parts: list[bytes], compress: bool) -> None:
    sealed = seal(parts, key=KEY, header=HEADER, compress=compress)
    assert unseal(sealed, key=KEY, expect=HEADER) == b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 7])
@pytest.mark.parametrize("cuts", [1, 3])
def test_every_segment_boundary_comes_back(size: int, cuts: int) -> None:
    plain = memoryview(bytes(range(251)) * (size // 251 + 1))[:size]
    step = size // cuts + 1
    parts = [plain[at : at + step] for at in range(0, size, step)]
    sealed = seal(parts, key=KEY, header=HEADER, compress=False)
    assert unseal(sealed, key=KEY, expect=HEADER) == plain


def test_plaintext_is_writable_so_that_arrays_over_it_are() -> None:
    opened = unseal(seal([b"abc"], key=KEY, header=HEADER), key=KEY, expect=HEADER)
    opened[0] = ord("z")
    assert opened == b"zbc"


def test_compresses_only_what_shrinks() -> None:
    noise = os.urandom(3 * MIB)
    assert len(seal([noise], key=KEY, header=HEADER)) > len(noise)
    assert len(seal([bytes(3 * MIB)], key=KEY, header=HEADER)) < MIB // 10
    # The gain is below a tenth, so time is saved instead.
    mixed = noise[: MIB // 4] + bytes(MIB // 64)
    assert len(seal([mixed], key=KEY, header=HEADER)) > len(mixed)


def test_same_plaintext_never_seals_alike() -> None:
    first, second = (bytes(seal([b"x" * 100], key=KEY, header=HEADER)) for _ in range(2))
    assert first != second
    assert b"x" * 16 not in first


def test_true_header_is_returned_for_any_attempt_and_format() -> None:
    sealed = seal([b"x"], key=KEY, header=HEADER)
    expect = replace(HEADER, attempt=ANY_ATTEMPT, format=ANY_FORMAT)
    assert open_sealed(sealed, key=KEY, expect=expect).header == HEADER


@pytest.mark.parametrize(
    "other",
    [
        {"session": "b" * 20},
        {"kind": "input"},
        {"kind": "function"},
        {"name": "c00000013"},
        {"attempt": 2},
        {"attempt": 0},
        {"format": "pickle"},
    ],
)
def test_object_is_refused_anywhere_but_in_its_place(other: dict[str, object]) -> None:
    sealed = seal([b"x"], key=KEY, header=HEADER)
    with pytest.raises(IntegrityError, match="failed verification"):
        unseal(sealed, key=KEY, expect=replace(HEADER, **other))


def test_wildcards_cannot_be_sealed() -> None:
    with pytest.raises(ValueError, match="definite"):
        seal([], key=KEY, header=replace(HEADER, attempt=ANY_ATTEMPT))
    with pytest.raises(ValueError, match="definite"):
        seal([], key=KEY, header=replace(HEADER, format=ANY_FORMAT))
    with pytest.raises(ValueError, match="header has"):
        seal([], key=KEY, header=replace(HEADER, name="n" * 5000))


def test_key_must_be_a_whole_key() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal([], key=b"short", header=HEADER)


def test_size_is_checked_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal([bytes(50 * MIB)], key=KEY, header=HEADER)
    assert len(sealed) < MIB
    monkeypatch.setattr(envelope, "decrypt", None)
    with pytest.raises(IntegrityError, match="52428800 bytes"):
        unseal(sealed, key=KEY, expect=HEADER, max_bytes=MIB)

"""Only the session's client can sign what workers run."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from starburst._protocol.sealed.signing import SIGNATURE_BYTES, SigningKey, verify
from starburst.errors import IntegrityError

KEY = SigningKey.from_seed(bytes(32))
SIGNED = KEY.sign(b"sealed bytes")


def test_signed_object_comes_back() -> None:
    assert verify(SIGNED, public=KEY.public) == b"sealed bytes"
    assert SigningKey.from_seed(KEY.seed).public == KEY.public
    assert SigningKey.generate().public != KEY.public


@pytest.mark.parametrize("at", range(len(SIGNED)))
def test_any_changed_byte_is_refused(at: int) -> None:
    changed = bytearray(SIGNED)
    changed[at] ^= 1
    with pytest.raises(IntegrityError):
        verify(changed, public=KEY.public)


@pytest.mark.parametrize("length", [0, 1, SIGNATURE_BYTES, len(SIGNED) - 1])
def test_any_cut_is_refused(length: int) -> None:
    with pytest.raises(IntegrityError):
        verify(SIGNED[:length], public=KEY.public)


@pytest.mark.parametrize("extra", [b"\0", bytes(64)])
def test_any_addition_is_refused(extra: bytes) -> None:
    for signed in (SIGNED + extra, extra + SIGNED):
        with pytest.raises(IntegrityError):
            verify(signed, public=KEY.public)


def test_another_key_is_refused() -> None:
    with pytest.raises(IntegrityError):
        verify(SIGNED, public=SigningKey.generate().public)
    with pytest.raises(IntegrityError):
        verify(SIGNED, public=b"no key")


@pytest.mark.parametrize("signable", [b"sealed bytes", hashlib.sha256(b"sealed bytes").digest()])
def test_signature_made_for_another_purpose_is_refused(signable: bytes) -> None:
    raw = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(signable)
    with pytest.raises(IntegrityError):
        verify(b"sealed bytes" + raw, public=KEY.public)


def test_key_never_shows_itself() -> None:
    assert KEY.seed.hex() not in repr(KEY)
    assert repr(KEY) == "SigningKey(<secret>)"

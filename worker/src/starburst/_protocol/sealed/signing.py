"""Sign what a client sends, so that a worker that holds the data key cannot forge work.

Example:
    >>> key = SigningKey.generate()
    >>> bytes(verify(key.sign(b"sealed"), public=key.public))
    b'sealed'
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from starburst.errors import IntegrityError

from .envelope import Buffer

__all__ = ["SIGNATURE_BYTES", "SigningKey", "verify"]

SIGNATURE_BYTES: Final = 64
_PREFIX: Final = b"starburst signed object 1\0"
_REASON: Final = (
    "a signed object failed verification: the session's client did not sign these bytes. "
    "It was not read. It may be forged: tell your security officer."
)


class SigningKey:
    """The private half of a session's Ed25519 key; only clients of its user hold it."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> SigningKey:
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Rebuild a key from its 32-byte seed."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        """The secret itself, to be wrapped by KMS and nothing else."""
        return self._key.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public half, for the manifest."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, sealed: Buffer) -> bytes:
        """Return ``sealed`` with the signature appended."""
        return b"".join((sealed, self._key.sign(_message(memoryview(sealed)))))

    def __repr__(self) -> str:
        return "SigningKey(<secret>)"


def verify(signed: Buffer, *, public: bytes) -> memoryview:
    """Return the sealed part of what :meth:`SigningKey.sign` made, if it was this key's.

    Raises:
        IntegrityError: the signature is not of these bytes by this key.
    """
    view = memoryview(signed)
    if view.nbytes <= SIGNATURE_BYTES:
        raise IntegrityError(_REASON)
    sealed, signature = view[:-SIGNATURE_BYTES], view[-SIGNATURE_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(signature), _message(sealed))
    except (InvalidSignature, ValueError):
        raise IntegrityError(_REASON) from None
    return sealed


def _message(sealed: memoryview) -> bytes:
    # The prefix is hashed with the object and signed too, so that no other protocol's
    # signature by the same key could ever be taken for this one.
    digest = hashlib.sha256(_PREFIX)
    digest.update(sealed)
    return _PREFIX + digest.digest()

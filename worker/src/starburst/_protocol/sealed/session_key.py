"""The keys of one session: made and unwrapped by KMS, and kept in memory only."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._protocol.manifest import Manifest
from starburst.aws.calls import code_of, quoted
from starburst.contract import SessionKeys, encryption_context
from starburst.errors import AccessDenied, IntegrityError, KeyUnavailable

from .signing import SIGNATURE_BYTES, SigningKey, verify

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

__all__ = ["SessionKey"]

_KEY_BYTES: Final = 32
_MANIFEST: Final = b"starburst manifest 1\0"
"""A sealed object begins otherwise, so neither's signature passes for the other's."""

_UNAVAILABLE: Final = frozenset(
    {"DisabledException", "KMSInvalidStateException", "KeyUnavailableException"}
    | {"NotFoundException", "InvalidKeyUsageException"}
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_MISMATCH: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionKey:
    """The keys that seal and sign one session's objects.

    Attributes:
        data: the data key, 32 bytes; client and workers hold it.
        wrapped_data: the data key under KMS, base64, for the manifest.
        public: what verifies the client's signatures.
        signing: what signs; None on a worker.
        wrapped_signing: the signing seed under KMS, base64, for the manifest.
    """

    data: bytes = field(repr=False)
    wrapped_data: str
    public: bytes
    signing: SigningKey | None = field(repr=False)
    wrapped_signing: str

    @property
    def public_key(self) -> str:
        """The public half as base64, for the manifest."""
        return base64.b64encode(self.public).decode()

    @classmethod
    def create(cls, kms: KMSClient, key_arn: str, *, keys: SessionKeys) -> SessionKey:
        """Make the keys of a new session: one GenerateDataKey and one Encrypt.

        Args:
            kms: a KMS client of the analyst.
            key_arn: the environment's data key.
            keys: whose session it is; KMS binds the keys to it.

        Raises:
            AccessDenied: the analyst's role may not use the key for this workspace and user.
            KeyUnavailable: the key is disabled, pending deletion or gone.
        """
        signing = SigningKey.generate()
        with _typed_errors("make the session's keys", key_arn):
            data = kms.generate_data_key(
                KeyId=key_arn, KeySpec="AES_256", EncryptionContext=_context(keys, "data")
            )
            wrapped = kms.encrypt(
                KeyId=key_arn,
                Plaintext=signing.seed,
                EncryptionContext=_context(keys, "signing"),
            )
        return cls(
            data=_checked(data["Plaintext"]),
            wrapped_data=base64.b64encode(data["CiphertextBlob"]).decode(),
            public=signing.public,
            signing=signing,
            wrapped_signing=base64.b64encode(wrapped["CiphertextBlob"]).decode(),
        )

    def sign(self, manifest: Manifest) -> Manifest:
        """Return the manifest of a new session with its client's signature."""
        if self.signing is None:
            raise ValueError("only the session's client signs its manifest")
        signed = self.signing.sign(_MANIFEST + manifest.signed_text)
        return replace(manifest, signature=base64.b64encode(signed[-SIGNATURE_BYTES:]).decode())

    @classmethod
    def unwrap(
        cls, kms: KMSClient, key_arn: str, manifest: Manifest, *, signing: bool
    ) -> SessionKey:
        """Read the keys of a session out of its manifest.

        Args:
            kms: a KMS client of the analyst or of the worker role.
            key_arn: the environment's data key; a manifest cannot name another.
            manifest: the session's.
            signing: True for a client that attaches again, False for a worker.

        Raises:
            AccessDenied: the role may not use the key for this workspace and purpose.
            IntegrityError: the manifest was changed, or its keys do not belong to the session
                that it names.
            KeyUnavailable: the key is disabled, pending deletion or gone.
        """
        public = _decoded(manifest.public_key, "public_key")
        _check_signature(manifest, public)
        data = _decrypt(kms, key_arn, manifest, purpose="data", wrapped=manifest.data_key)
        key: SigningKey | None = None
        if signing:
            seed = _decrypt(kms, key_arn, manifest, purpose="signing", wrapped=manifest.signing_key)
            key = SigningKey.from_seed(seed)
            if key.public != public:
                raise IntegrityError(_foreign("its public key is not the signing key's"))
        return cls(
            data=data,
            wrapped_data=manifest.data_key,
            public=public,
            signing=key,
            wrapped_signing=manifest.signing_key,
        )


def _check_signature(manifest: Manifest, public: bytes) -> None:
    # A manifest that was changed along with its public key is found later: by a client at the
    # signing key, which KMS unwraps, and by a worker at the first function.
    signature = _decoded(manifest.signature, "signature")
    try:
        verify(b"".join((_MANIFEST, manifest.signed_text, signature)), public=public)
    except IntegrityError:
        raise IntegrityError(_foreign("its client did not sign what it says")) from None


def _decrypt(
    kms: KMSClient, key_arn: str, manifest: Manifest, *, purpose: str, wrapped: str
) -> bytes:
    blob = _decoded(wrapped, f"{purpose}_key")
    with _typed_errors(f"unwrap the session's {purpose} key", key_arn):
        answer = kms.decrypt(
            CiphertextBlob=blob,
            KeyId=key_arn,
            EncryptionContext=_context(manifest.keys, purpose),
        )
    return _checked(answer["Plaintext"])


def _context(keys: SessionKeys, purpose: str) -> dict[str, str]:
    return encryption_context(keys.workspace, keys.user, session=keys.session, purpose=purpose)


def _checked(key: bytes) -> bytes:
    if len(key) != _KEY_BYTES:
        raise IntegrityError(_foreign(f"a key of it has {len(key)} bytes, not {_KEY_BYTES}"))
    return key


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise IntegrityError(_foreign(f"its {name} is not base64")) from None


def _foreign(reason: str) -> str:
    return (
        f"the session's manifest failed verification: {reason}. The session was not used. "
        "Start a new session, and tell your security officer."
    )


@contextmanager
def _typed_errors(purpose: str, key_arn: str) -> Iterator[None]:
    """Turn what KMS refuses for good into our errors; botocore has retried the rest."""
    try:
        yield
    except ClientError as error:
        code, said = code_of(error), quoted(error)
        if code in _UNAVAILABLE:
            raise KeyUnavailable(
                f"cannot {purpose}: the data key {key_arn} is not usable ({code}: {said}). "
                "Nothing was sent unencrypted. Ask your platform engineer whether the key was "
                "disabled on purpose."
            ) from error
        if code in _DENIED:
            raise AccessDenied(
                f"cannot {purpose}: AWS refused the use of {key_arn} ({said}). Check that you "
                "are logged in as an analyst of this workspace, or ask your platform engineer."
            ) from error
        if code in _MISMATCH:
            raise IntegrityError(_foreign("KMS says that its keys belong elsewhere")) from error
        raise

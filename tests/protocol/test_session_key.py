"""Session keys: two calls to KMS, bound to one session, and closed when KMS says no."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey
from starburst.contract import SessionKeys
from starburst.errors import AccessDenied, IntegrityError, KeyUnavailable
from tests.manifests import a_manifest

ARN = "arn:aws:kms:eu-west-1:111122223333:key/0"
KEYS = SessionKeys(workspace="genomics", user="alice", session="a" * 20)
CONTEXT = {"workspace": "genomics", "user": "alice", "session": "a" * 20}


class Kms:
    """KMS as far as we use it: it remembers contexts and counts calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.blobs: dict[bytes, tuple[bytes, dict[str, str]]] = {}
        self.error = ""

    def _call(self, name: str, arguments: dict[str, Any]) -> None:
        self.calls.append((name, arguments))
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "said KMS"}}, name)

    def _wrap(self, plain: bytes, context: dict[str, str]) -> bytes:
        blob = b"blob %d" % len(self.blobs)
        self.blobs[blob] = (plain, context)
        return blob

    def generate_data_key(self, **arguments: Any) -> dict[str, Any]:
        self._call("GenerateDataKey", arguments)
        plain = bytes(range(32))
        blob = self._wrap(plain, arguments["EncryptionContext"])
        return {"Plaintext": plain, "CiphertextBlob": blob}

    def encrypt(self, **arguments: Any) -> dict[str, Any]:
        self._call("Encrypt", arguments)
        return {
            "CiphertextBlob": self._wrap(arguments["Plaintext"], arguments["EncryptionContext"])
        }

    def decrypt(self, **arguments: Any) -> dict[str, Any]:
        self._call("Decrypt", arguments)
        plain, context = self.blobs[arguments["CiphertextBlob"]]
        if context != arguments["EncryptionContext"]:
            self.error = "InvalidCiphertextException"
            self._call("Decrypt", arguments)
        return {"Plaintext": plain}


def manifest_of(key: SessionKey) -> Manifest:
    return key.sign(
        a_manifest(
            workspace=KEYS.workspace,
            user=KEYS.user,
            session=KEYS.session,
            public_key=key.public_key,
            data_key=key.wrapped_data,
            signing_key=key.wrapped_signing,
        )
    )


@pytest.fixture
def kms() -> Any:
    return Kms()


def test_creation_is_two_calls_with_two_purposes(kms: Any) -> None:
    key = SessionKey.create(kms, ARN, keys=KEYS)
    assert [
        (name, call["KeyId"], call["EncryptionContext"]["purpose"]) for name, call in kms.calls
    ] == [("GenerateDataKey", ARN, "data"), ("Encrypt", ARN, "signing")]
    assert all(CONTEXT.items() <= call["EncryptionContext"].items() for _, call in kms.calls)
    assert key.signing is not None
    assert key.signing.public == key.public


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(kms: Any, length: int) -> None:
    manifest = manifest_of(SessionKey.create(kms, ARN, keys=KEYS))
    for blob, (_, context) in kms.blobs.items():
        kms.blobs[blob] = (bytes(length), context)
    for signing in (True, False):
        with pytest.raises(IntegrityError, match=f"a key of it has {length} bytes, not 32"):
            SessionKey.unwrap(kms, ARN, manifest, signing=signing)


def test_client_attaches_again_with_both_keys(kms: Any) -> None:
    made = SessionKey.create(kms, ARN, keys=KEYS)
    key = SessionKey.unwrap(kms, ARN, manifest_of(made), signing=True)
    assert (key.data, key.public, key.wrapped_data) == (made.data, made.public, made.wrapped_data)
    assert key.signing is not None
    assert made.signing is not None
    assert key.signing.seed == made.signing.seed


def test_worker_makes_one_call_and_cannot_sign(kms: Any) -> None:
    manifest = manifest_of(SessionKey.create(kms, ARN, keys=KEYS))
    kms.calls.clear()
    key = SessionKey.unwrap(kms, ARN, manifest, signing=False)
    assert key.signing is None
    assert [name for name, _ in kms.calls] == ["Decrypt"]
    assert kms.calls[0][1]["KeyId"] == ARN


def test_keys_of_another_session_do_not_open(kms: Any) -> None:
    made = SessionKey.create(kms, ARN, keys=KEYS)
    manifest = manifest_of(made)
    for other in ({"session": "b" * 20}, {"user": "bob"}, {"workspace": "finance"}):
        kms.error = ""
        with pytest.raises(IntegrityError, match="belong elsewhere"):
            SessionKey.unwrap(kms, ARN, made.sign(replace(manifest, **other)), signing=False)


def test_public_key_of_somebody_else_is_refused(kms: Any) -> None:
    made = SessionKey.create(kms, ARN, keys=KEYS)
    manifest = manifest_of(made)
    theirs = SigningKey.generate()
    forger = replace(made, signing=theirs, public=theirs.public)
    forged = forger.sign(replace(manifest, public_key=forger.public_key, results="pickle"))
    with pytest.raises(IntegrityError, match="public key"):
        SessionKey.unwrap(kms, ARN, forged, signing=True)
    with pytest.raises(IntegrityError, match="base64"):
        SessionKey.unwrap(kms, ARN, made.sign(replace(manifest, data_key="?")), signing=False)


@pytest.mark.parametrize("signing", [True, False], ids=["client", "worker"])
@pytest.mark.parametrize(
    "change",
    [
        {"results": "pickle"},
        {"retries": 9},
        {"task_timeout_seconds": 1.0},
        {"labels": {"a": "b"}},
        {"signature": ""},
        {"signature": "?"},
        {"signature": base64.b64encode(bytes(64)).decode()},
        {"public_key": base64.b64encode(bytes(32)).decode()},
    ],
    ids=str,
)
def test_nobody_changes_a_manifest_without_its_clients_key(
    kms: Any, change: dict[str, Any], signing: bool
) -> None:
    manifest = manifest_of(SessionKey.create(kms, ARN, keys=KEYS))
    kms.calls.clear()
    changed = Manifest.from_json(replace(manifest, **change).to_json())
    with pytest.raises(IntegrityError, match="manifest failed verification"):
        SessionKey.unwrap(kms, ARN, changed, signing=signing)
    assert not kms.calls


def test_a_manifest_that_was_stored_and_read_keeps_its_signature(kms: Any) -> None:
    made = SessionKey.create(kms, ARN, keys=KEYS)
    signed = made.sign(replace(manifest_of(made), retry_on=("OSError",), labels={"n": "é"}))
    key = SessionKey.unwrap(kms, ARN, Manifest.from_json(signed.to_json()), signing=False)
    with pytest.raises(ValueError, match="client signs"):
        key.sign(signed)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("DisabledException", KeyUnavailable),
        ("KMSInvalidStateException", KeyUnavailable),
        ("NotFoundException", KeyUnavailable),
        ("AccessDeniedException", AccessDenied),
        ("InvalidCiphertextException", IntegrityError),
        ("ThrottlingException", ClientError),
    ],
)
def test_what_kms_refuses_is_typed_and_fails_closed(
    kms: Any, code: str, error: type[Exception]
) -> None:
    manifest = manifest_of(SessionKey.create(kms, ARN, keys=KEYS))
    kms.error = code
    with pytest.raises(error):
        SessionKey.create(kms, ARN, keys=KEYS)
    with pytest.raises(error):
        SessionKey.unwrap(kms, ARN, manifest, signing=False)


def test_secrets_are_never_shown(kms: Any) -> None:
    key = SessionKey.create(kms, ARN, keys=KEYS)
    assert key.signing is not None
    for secret in (key.data, key.signing.seed):
        assert repr(secret) not in repr(key)
        assert secret.hex() not in repr(key)
    assert "data=" not in repr(key).replace("wrapped_data=", "")

"""Sign the sums of an evidence folder with a key that is not beside it, and verify them.

Sums alone show accidents. Who can change a file can change its sum; a signature by a key that they
do not have is what shows them.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from deploy.evidence.facts import SUMS, sha256
from deploy.tools.cdk import ROOT

__all__ = ["KEY", "SIGNATURE", "SigningError", "fingerprint", "sign", "verify"]

SIGNATURE: Final = f"{SUMS}.sig"
KEY: Final = f"{SUMS}.pem"
"""The public key, for who has its fingerprint from elsewhere; by itself it shows nothing."""

_KMS: Final = re.compile(r"arn:aws:kms:([a-z0-9-]+):\d{12}:(key|alias)/[\w/-]+")
_BITS: Final = 2048
_LINE: Final = re.compile(r"([0-9a-f]{64})  (.+)")

_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
_HASHES: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    "secp256r1": ("ECDSA_SHA_256", hashes.SHA256()),
    "secp384r1": ("ECDSA_SHA_384", hashes.SHA384()),
    "secp521r1": ("ECDSA_SHA_512", hashes.SHA512()),
}


class SigningError(RuntimeError):
    """Nothing was signed, or a folder is not as it was signed; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    public: _Public
    sign: Callable[[bytes], bytes]


def sign(
    folder: Path, key: str, *, kms: Callable[[str], Any], passphrase: Callable[[], str]
) -> str:
    """Sign a folder's sums; return the fingerprint of the key.

    Args:
        folder: as ``write`` made it.
        key: ARN of an asymmetric KMS key, or a file with a private key.
        kms: makes the client of a Region.
        passphrase: asked for where the file is encrypted.

    Raises:
        SigningError: the key is beside the evidence, unknown or too weak.
    """
    text = _sums(folder)
    found = _KMS.fullmatch(key)
    signer = (
        _in_kms(key, kms(found[1])) if found else _in_file(folder, Path(key), passphrase=passphrase)
    )
    signature = signer.sign(text)
    _check(signer.public, signature, text)
    try:
        # A signature beside another's key would look like a forged one.
        (folder / SIGNATURE).unlink(missing_ok=True)
        (folder / KEY).write_bytes(_pem(signer.public))
        (folder / SIGNATURE).write_bytes(signature)
    except OSError as error:
        raise SigningError(f"{folder} cannot be written to ({error}); sign it again") from error
    return fingerprint(signer.public)


def verify(folder: Path, *, trusted: str | None = None, public_key: Path | None = None) -> str:
    """Check signature and files; return the fingerprint of the key that signed.

    Args:
        folder: what was handed over.
        trusted: the key's fingerprint, from another source than the folder.
        public_key: its public key, likewise.

    Raises:
        SigningError: something is not as it was signed, or nobody says which key to trust.
    """
    if (trusted is None) == (public_key is None):
        raise SigningError("say which key you trust: --fingerprint, or --public-key FILE")
    if public_key is not None and _beside(folder, public_key):
        raise SigningError(
            f"{public_key} came with the evidence, so it shows nothing; get it from who signed"
        )
    text = _sums(folder)
    try:
        signature = (folder / SIGNATURE).read_bytes()
        public = _public((public_key or folder / KEY).read_bytes())
    except OSError as error:
        raise SigningError(f"{folder} is not signed, or no key is there: {error}") from error
    mark = fingerprint(public)
    if trusted is not None and mark != trusted.strip():
        raise SigningError(f"{folder} is signed by {mark}, which is not {trusted}: do not trust it")
    _check(public, signature, text)
    wrong = list(_differences(folder, text))
    if wrong:
        raise SigningError(f"{folder} is not as it was signed: {'; '.join(wrong)}")
    return mark


def fingerprint(public: _Public) -> str:
    """Return what readers compare: SHA-256 of the public key as DER."""
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"SHA256:{hashlib.sha256(der).hexdigest()}"


def _sums(folder: Path) -> bytes:
    try:
        return (folder / SUMS).read_bytes()
    except OSError as error:
        raise SigningError(f"{folder} is no evidence folder: {error}") from error


def _differences(folder: Path, text: bytes) -> Iterator[str]:
    listed: dict[str, str] = {}
    for line in text.decode().splitlines():
        match = _LINE.fullmatch(line)
        if match is None or ".." in Path(match[2]).parts or Path(match[2]).is_absolute():
            yield f"{line!r} is no line of {SUMS}"
            continue
        listed[match[2]] = match[1]
    there = {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if not file.is_dir() or file.is_symlink()
    }
    for name in sorted({*listed, *there} - {SUMS, SIGNATURE, KEY}):
        if name not in there:
            yield f"{name} is missing"
        elif name not in listed:
            yield f"{name} was added"
        elif there[name].is_symlink() or sha256(there[name].read_bytes()) != listed[name]:
            yield f"{name} was changed"


def _beside(folder: Path, file: Path) -> bool:
    here = file.resolve()
    return here.is_relative_to(folder.resolve().parent) or here.is_relative_to(ROOT)


def _in_file(folder: Path, file: Path, *, passphrase: Callable[[], str]) -> _Signer:
    if _beside(folder, file):
        raise SigningError(
            f"{file} is beside the evidence or in this repository: who can change the one can use "
            "the other. Keep the key elsewhere, best in KMS"
        )
    try:
        text, mode = file.read_bytes(), file.stat().st_mode
    except OSError as error:
        raise SigningError(f"{file} cannot be read ({error}); name a private key") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SigningError(f"{file} can be used by others of this machine; chmod 600 it first")
    private = _private(file, text, passphrase=passphrase)
    public = private.public_key()
    _strong(public)
    return _Signer(public=public, sign=lambda message: _sign(private, message))


def _private(file: Path, text: bytes, *, passphrase: Callable[[], str]) -> _Private:
    load = (
        serialization.load_ssh_private_key
        if b"OPENSSH PRIVATE KEY" in text
        else serialization.load_pem_private_key
    )
    try:
        try:
            found = load(text, None)
        except TypeError:
            found = load(text, passphrase().encode())
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(f"{file} holds no private key that opens ({error})") from error
    if not isinstance(found, _Private):
        raise SigningError(f"{file} is no key of Ed25519, ECDSA or RSA")
    return found


def _sign(private: _Private, message: bytes) -> bytes:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(message)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(message, ec.ECDSA(_HASHES[private.curve.name][1]))
    return private.sign(message, _pss(), hashes.SHA256())


def _in_kms(arn: str, client: Any) -> _Signer:  # noqa: ANN401 - any client of boto3
    answer = client.get_public_key(KeyId=arn)
    public = _der(answer["PublicKey"])
    if answer.get("KeyUsage") != "SIGN_VERIFY" or isinstance(public, ed25519.Ed25519PublicKey):
        raise SigningError(
            f"{arn} signs no digests; make a KMS key with KeyUsage SIGN_VERIFY and KeySpec "
            "ECC_NIST_P256, P384 or P521, or RSA"
        )
    _strong(public)
    name, algorithm = (
        _HASHES[public.curve.name]
        if isinstance(public, ec.EllipticCurvePublicKey)
        else ("RSASSA_PSS_SHA_256", hashes.SHA256())
    )

    def signed(message: bytes) -> bytes:
        digest = hashes.Hash(algorithm)
        digest.update(message)
        return client.sign(
            KeyId=arn, Message=digest.finalize(), MessageType="DIGEST", SigningAlgorithm=name
        )["Signature"]

    return _Signer(public=public, sign=signed)


def _public(pem: bytes) -> _Public:
    try:
        found = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(f"there is no public key ({error})") from error
    return _known(found)


def _der(der: bytes) -> _Public:
    return _known(serialization.load_der_public_key(der))


def _known(found: object) -> _Public:
    if not isinstance(found, _Public):
        raise SigningError("the key is none of Ed25519, ECDSA or RSA")
    _strong(found)
    return found


def _strong(public: _Public) -> None:
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name not in _HASHES:
        raise SigningError(f"the curve {public.curve.name} is not taken; use P-256, P-384 or P-521")
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _BITS:
        raise SigningError(f"an RSA key of {public.key_size} bits is too weak; {_BITS} or more")


def _check(public: _Public, signature: bytes, message: bytes) -> None:
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, message)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, message, ec.ECDSA(_HASHES[public.curve.name][1]))
        else:
            public.verify(signature, message, _pss(), hashes.SHA256())
    except InvalidSignature as error:
        raise SigningError(
            f"{SUMS} is not what {fingerprint(public)} signed: do not trust the folder"
        ) from error


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def _pem(public: _Public) -> bytes:
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

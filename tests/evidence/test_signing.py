"""Sums are signed by a key from elsewhere; a file that is changed, added or taken is found out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from moto import mock_aws

from deploy.evidence.facts import SUMS, sums
from deploy.evidence.sign import main as sign
from deploy.evidence.signing import KEY, SIGNATURE
from deploy.evidence.verify import main as verify
from deploy.tools.cdk import ROOT
from tests.attacks.hostile import forbidden

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
KEYS: dict[str, Callable[[], Key]] = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """A folder as it would be archived."""
    folder = tmp_path / "build" / "prod-0123"
    (folder / "reports").mkdir(parents=True)
    for name in ("index.html", "facts.json", "reports/theorems.json"):
        (folder / name).write_text(f"{name}, proved")
    files = [file for file in folder.rglob("*") if file.is_file()]
    (folder / SUMS).write_text(sums(files, below=folder))
    return folder


def save(path: Path, key: Key, passphrase: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    how = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    path.write_bytes(text)
    path.chmod(0o600)
    return path


def elsewhere(file: Path) -> None:
    """Keep what a file holds where it can be changed when it was verified."""
    file.symlink_to(file.rename(file.parents[2] / file.name))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return save(tmp_path / "safe" / "officer.pem", KEYS["Ed25519"]())


def mark(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the fingerprint that signing printed."""
    return capsys.readouterr().out.split("--fingerprint ")[1].split()[0]


@pytest.mark.parametrize("kind", KEYS)
def test_an_officers_key_signs_and_the_whole_is_verified(
    evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    private = KEYS[kind]()
    file = save(tmp_path / "safe" / "officer.pem", private)
    assert sign([str(evidence), "--with", str(file)]) == 0
    trusted = mark(capsys)
    assert verify([str(evidence), "--fingerprint", trusted]) == 0
    assert "is whole" in capsys.readouterr().out
    for part in (trusted[:-1], "SHA256:", ""):
        assert verify([str(evidence), "--fingerprint", part]) == 1
    public = tmp_path / "safe" / "public.pem"
    shutil.copy(evidence / KEY, public)
    assert verify([str(evidence), "--public-key", str(public)]) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at: (at / "facts.json").write_text("better"), "facts.json was changed"),
        (lambda at: (at / "more.html").write_text("more"), "more.html was added"),
        (lambda at: (at / "index.html").unlink(), "index.html is missing"),
        (lambda at: (at / "reports" / "x").symlink_to(at / SUMS), "reports/x was added"),
        (lambda at: elsewhere(at / "facts.json"), "facts.json was changed"),
        (
            lambda at: (at / SUMS).write_text((at / SUMS).read_text().replace("0", "1")),
            "do not trust the folder",
        ),
        (lambda at: (at / SIGNATURE).write_bytes(b"\0" * 64), "do not trust the folder"),
        (lambda at: (at / SIGNATURE).unlink(), "is not signed"),
    ],
)
def test_what_was_changed_afterwards_is_told(
    evidence: Path,
    key: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], object],
    said: str,
) -> None:
    assert sign([str(evidence), "--with", str(key)]) == 0
    trusted = mark(capsys)
    change(evidence)
    assert verify([str(evidence), "--fingerprint", trusted]) == 1
    assert said in capsys.readouterr().err


def test_a_forgers_own_signature_is_no_officers(
    evidence: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sign([str(evidence), "--with", str(key)]) == 0
    trusted = mark(capsys)
    forger = save(tmp_path / "elsewhere" / "forger.pem", KEYS["Ed25519"]())
    (evidence / "facts.json").write_text("better")
    files = [one for one in evidence.rglob("*") if one.is_file() and SUMS not in one.name]
    (evidence / SUMS).write_text(sums(files, below=evidence))
    assert sign([str(evidence), "--with", str(forger)]) == 0
    capsys.readouterr()
    assert verify([str(evidence), "--fingerprint", trusted]) == 1
    assert "do not trust it" in capsys.readouterr().err
    # The key that lies beside the evidence vouches for nothing, nor does none.
    beside, link = evidence.parent / "keys" / "public.pem", tmp_path / "public.pem"
    beside.parent.mkdir()
    shutil.copy(evidence / KEY, beside)
    link.symlink_to(evidence / KEY)
    for came in (evidence / KEY, beside, link):
        assert verify([str(evidence), "--public-key", str(came)]) == 1
        assert "came with the evidence" in capsys.readouterr().err
    assert verify([str(evidence)]) == 1


@pytest.mark.parametrize("where", ["in it", "in its folder", "beside it", "linked", "repository"])
def test_a_key_beside_the_evidence_is_refused(
    evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    places = {
        "in it": evidence / "key.pem",
        "in its folder": evidence.parent / "key.pem",
        "beside it": evidence.parent / "keys" / "key.pem",
        "linked": evidence / "key.pem",
        "repository": ROOT / "build" / "test-signing" / "key.pem",
    }
    file = save(places[where], KEYS["Ed25519"]())
    if where == "linked":
        link = tmp_path / "safe.pem"
        link.symlink_to(file)
        file = link
    try:
        assert sign([str(evidence), "--with", str(file)]) == 1
    finally:
        if where == "repository":
            shutil.rmtree(file.parent)
    assert "beside the evidence or in this repository" in capsys.readouterr().err
    assert not (evidence / SIGNATURE).exists()


def test_a_weak_key_vouches_for_nothing_whatever_signed_with_it(
    evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it must be refused
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    text = weak.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (evidence / SIGNATURE).write_bytes(
        weak.sign((evidence / SUMS).read_bytes(), pss, hashes.SHA256())
    )
    public = tmp_path / "safe" / "public.pem"
    public.parent.mkdir()
    public.write_bytes(text)
    assert verify([str(evidence), "--public-key", str(public)]) == 1
    assert "too weak" in capsys.readouterr().err


def test_a_passphrase_is_asked_for(
    evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "safe" / "officer.pem", KEYS["P-256"](), b"correct horse")
    words = [str(evidence), "--with", str(file)]
    assert sign(words, passphrase=lambda: "wrong") == 1
    assert "no private key that opens" in capsys.readouterr().err
    assert sign(words, passphrase=lambda: "correct horse") == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda at: save(at, rsa.generate_private_key(65537, 1024)), "too weak"),  # noqa: S505
        (lambda at: save(at, ec.generate_private_key(ec.SECP256K1())), "is not taken"),
        (lambda at: save(at, KEYS["P-256"]()).chmod(0o640), "chmod 600"),
        (lambda at: save(at, KEYS["P-256"]()).chmod(0o604), "chmod 600"),
        (lambda at: at.parent.mkdir(), "cannot be read"),
    ],
)
def test_a_poor_key_is_refused(
    evidence: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], object],
    said: str,
) -> None:
    file = tmp_path / "safe" / "officer.pem"
    make(file)
    assert sign([str(evidence), "--with", str(file)]) == 1
    assert said in capsys.readouterr().err
    assert not (evidence / SIGNATURE).exists()


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("kms", region_name="eu-west-1")


class Kms:
    """KMS as AWS documents it; moto hashes a digest once more."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
        self.key = key

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        assert KeyId == ARN
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {"KeyUsage": "SIGN_VERIFY", "PublicKey": der}

    def sign(
        self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str
    ) -> dict[str, Any]:
        assert (KeyId, MessageType) == (ARN, "DIGEST")
        kind, _, size = SigningAlgorithm.partition("_SHA_")
        prehashed = utils.Prehashed({"256": hashes.SHA256(), "384": hashes.SHA384()}[size])
        assert len(Message) == prehashed.digest_size
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            assert kind == "ECDSA"
            return {"Signature": self.key.sign(Message, ec.ECDSA(prehashed))}
        assert kind == "RSASSA_PSS"
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return {"Signature": self.key.sign(Message, pss, prehashed)}


ARN = "arn:aws:kms:eu-west-1:222233334444:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA"])
def test_a_key_in_kms_signs(evidence: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    private, asked = KEYS[kind](), []
    assert not isinstance(private, ed25519.Ed25519PrivateKey)

    def client(region: str) -> Any:
        asked.append(region)
        return Kms(private)

    assert sign([str(evidence), "--with", ARN], kms=client) == 0
    assert asked == ["eu-west-1"]
    trusted = mark(capsys)
    assert verify([str(evidence), "--fingerprint", trusted]) == 0
    (evidence / "index.html").write_text("all is well")
    assert verify([str(evidence), "--fingerprint", trusted]) == 1


def test_a_signature_of_something_else_is_never_written(
    evidence: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever answers for KMS: what it gives is verified before it lies in the folder."""
    private = ec.generate_private_key(ec.SECP256R1())
    kms = Kms(private)
    kms.sign = lambda **_: {"Signature": private.sign(b"another", ec.ECDSA(hashes.SHA256()))}  # type: ignore[method-assign]
    assert sign([str(evidence), "--with", ARN], kms=lambda region: kms) == 1
    assert "Nothing was signed." in capsys.readouterr().err
    assert not (evidence / SIGNATURE).exists()


def test_a_key_in_kms_that_does_not_sign_is_said(
    evidence: Path, kms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = kms.create_key()["KeyMetadata"]["Arn"]
    opens = kms.create_key(KeyUsage="ENCRYPT_DECRYPT", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    for arn in (secret, opens):
        assert sign([str(evidence), "--with", arn], kms=lambda _: kms) == 1
        assert "Nothing was signed." in capsys.readouterr().err
    assert not (evidence / SIGNATURE).exists()


@pytest.mark.parametrize("name", ["\x1b[2J\x1b[32mall is whole", "a\u202eb", "c\rd", "e\u2028f"])
def test_a_stranger_in_the_archive_drives_no_terminal(
    evidence: Path, key: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert sign([str(evidence), "--with", str(key)]) == 0
    trusted = mark(capsys)
    (evidence / name).write_text("added")
    assert verify([str(evidence), "--fingerprint", trusted]) == 1
    (evidence / name).unlink()
    whole = evidence.rename(evidence.parent / name)
    assert verify([str(whole), "--fingerprint", trusted]) == 0
    assert verify([str(whole / "none"), "--fingerprint", trusted]) == 1
    assert sign([str(whole / "none"), "--with", str(key)]) == 1
    said = capsys.readouterr()
    assert not forbidden(said.out + said.err)

"""Where KMS refuses or a disk is full, nothing looks signed; once it does not, it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from deploy.evidence.facts import SUMS, sums
from deploy.evidence.sign import main as sign
from deploy.evidence.signing import KEY, SIGNATURE
from deploy.evidence.verify import main as verify
from tests.small_aws.account import Fault, Kind, SmallAws

ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234"
WORDS = {
    "refused": "AccessDenied",
    "throttled": "Throttling",
    "unanswered": "Connection was closed",
}


class SigningKms:
    """One key, which signs."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        how = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return {"PublicKey": self.key.public_key().public_bytes(*how), "KeyUsage": "SIGN_VERIFY"}

    def sign(self, *, KeyId: str, Message: bytes, **_: Any) -> dict[str, Any]:
        how = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        return {"Signature": self.key.sign(Message, how)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "prod-0123"
    made.mkdir()
    (made / "index.html").write_text("proved")
    (made / SUMS).write_text(sums([made / "index.html"], below=made))
    return made


def signed(folder: Path, aws: SmallAws) -> int:
    return sign([str(folder), "--with", ARN], kms=lambda region: aws("kms"))


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("before", [False, True], ids=["new", "signed before"])
@pytest.mark.parametrize("kind", WORDS)
def test_each_call_that_fails_signs_nothing_and_says_what_it_takes(
    kind: Kind, before: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if before:
        assert signed(folder, SmallAws(services={"kms": SigningKms()})) == 0
    there = files(folder)
    good = SmallAws(services={"kms": SigningKms()}, checked=True)
    assert signed(folder, good) == 0
    for name in set(files(folder)) - set(there):
        (folder / name).unlink()
    for name, content in there.items():
        (folder / name).write_bytes(content)
    assert [call.operation for call in good.calls] == ["GetPublicKey", "Sign"]
    for number in range(len(good.calls)):
        aws = SmallAws(services=good.services, fault=Fault(call=number, kind=kind))
        capsys.readouterr()
        assert signed(folder, aws) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("Nothing was signed. ")
        assert WORDS[kind] in err
        assert "kms:Sign on the key; then run it again" in err
        assert files(folder) == there
        aws.fault = None
        assert signed(folder, aws) == 0
        mark = capsys.readouterr().out.split("--fingerprint ")[1].split()[0]
        assert verify([str(folder), "--fingerprint", mark]) == 0
        for name in set(files(folder)) - set(there):
            (folder / name).unlink()
        for name, content in there.items():
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("full", [KEY, SIGNATURE])
def test_a_disk_that_is_full_leaves_no_signature_beside_anothers_key(
    full: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert signed(folder, SmallAws(services={"kms": SigningKms()})) == 0
    aws, write = SmallAws(services={"kms": SigningKms()}), Path.write_bytes

    def written(path: Path, content: bytes) -> int:
        if path.name == full:
            raise OSError("no space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", written)
        assert signed(folder, aws) == 1
    err = capsys.readouterr().err
    assert err.startswith("Nothing was signed. ")
    assert "no space left on device" in err
    assert "sign it again" in err
    assert not (folder / SIGNATURE).exists()
    assert verify([str(folder), "--fingerprint", "SHA256:0"]) == 1
    assert "is not signed" in capsys.readouterr().err
    assert signed(folder, aws) == 0

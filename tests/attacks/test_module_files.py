"""Files of modules that were forged, moved or aimed elsewhere are neither written nor imported."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from starburst._functions.installing import install
from starburst._protocol.sealed.code.functions import (
    MOST_FILES_BYTES,
    Function,
    ModuleFile,
    open_function,
    write_function,
)
from starburst._protocol.sealed.signing import SigningKey
from starburst.errors import IntegrityError

SESSION = "a" * 20
KEY = bytes(range(32))
SIGNER = SigningKey.generate()
CODE = b"RATE = 0.1\n"
DIGEST = hashlib.sha256(CODE).digest()


def function(*paths: str, **terms: object) -> Function:
    files = tuple(ModuleFile(path=path, digest=DIGEST, carrier="f1") for path in paths)
    made = Function(name="f1", pickle=b"", files=files, entries=("a",), contents={DIGEST: CODE})
    return dataclasses.replace(made, **terms)  # type: ignore[arg-type]


def opened(made: Function, signer: SigningKey = SIGNER) -> Function:
    data = write_function(made, session=SESSION, key=KEY, signer=signer)
    return open_function(data, name="f1", session=SESSION, key=KEY, public=SIGNER.public)


def test_a_true_one_is_read() -> None:
    found = opened(function("a/model.py", "a/lab/__init__.py"))
    assert {file.path for file in found.files} == {"a/model.py", "a/lab/__init__.py"}
    assert bytes(found.contents[DIGEST]) == CODE


def test_a_worker_that_holds_the_data_key_cannot_make_one() -> None:
    with pytest.raises(IntegrityError, match="did not sign"):
        opened(function("a/model.py"), SigningKey.generate())


ELSEWHERE = [
    *("/etc/cron.d/x", "../x.py", "a/../../x.py", "a/..", "..", ".", "", "a//b.py", "a/./b.py"),
    *("a\\..\\x.py", "C:/x.py", "a/\0.py", "a/" + "x" * 2000, "a/b.py/"),
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_path_that_leads_elsewhere_is_refused_by_the_worker_and_by_its_child(
    tmp_path: Path, path: str
) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    with pytest.raises(IntegrityError, match="leads out"):
        opened(function(path))
    with pytest.raises(IntegrityError, match="leads out"):
        opened(function(entries=(path,)))
    with pytest.raises(IntegrityError, match="leads out"):
        install(str(folder), ["a/ok.py", path], [CODE, CODE], entries=["a"])
    assert list(tmp_path.rglob("*")) == [folder]


def test_files_that_no_client_would_send_are_refused() -> None:
    with pytest.raises(IntegrityError, match="have one path"):
        opened(function("a/model.py", "a/model.py"))
    with pytest.raises(IntegrityError, match="have one path"):
        opened(function("a/model", "a/model/x.py"))
    with pytest.raises(IntegrityError, match="does not carry"):
        opened(function("a/model.py", contents={}))
    large = bytes(MOST_FILES_BYTES + 1)
    with pytest.raises(IntegrityError, match="too large"):
        opened(function(contents={hashlib.sha256(large).digest(): large}))
    short = ModuleFile(path="a/b.py", digest=b"x", carrier="f0")
    with pytest.raises(IntegrityError, match="digest"):
        opened(function(files=(short,)))

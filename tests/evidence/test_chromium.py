"""The browser of the tests is what `make setup` fetched; without it they fail, in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.evidence import chromium_files
from tests.evidence.chromium import open_tab
from tests.evidence.chromium_files import Chromium, NoChromium, chromium


def test_a_machine_where_setup_did_not_run_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, "linux", "x86_64")
    with pytest.raises(NoChromium, match=r"run `make setup`, which fetches it$"):
        chromium(tmp_path)


def test_a_machine_that_the_package_is_not_for_takes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, "linux", "aarch64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoChromium, match=r"not for linux on aarch64: install one$"):
        chromium()
    own = tmp_path / "chromium"
    script(own, "exit 0")
    assert chromium() == Chromium(own, {})


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("echo 'libnss3.so: cannot open shared object file' >&2; exit 127", "libnss3.so: cannot"),
        ("exit 1", "Chromium ended"),
        ("head -c 1 <&3; exit 0", "Chromium ended"),
    ],
)
def test_a_browser_that_does_not_start_says_why(tmp_path: Path, program: str, said: str) -> None:
    broken = tmp_path / "broken"
    script(broken, program)
    with (
        pytest.raises(NoChromium, match=f"^{broken} does not start: {said}") as refused,
        open_tab(tmp_path / "profile", Chromium(broken, {})),
    ):
        pass
    assert "\n" not in str(refused.value)


def test_two_processes_that_unpack_at_once_both_find_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes while the first one renames."""
    on(monkeypatch, "linux", "x86_64")
    package = tmp_path / "node_modules/@sparticuz/chromium"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1"}')
    unpacked = tmp_path / "node_modules/.cache/chromium-1"

    def another(packed: Path, into: int) -> bytes:
        (unpacked / "lib").mkdir(parents=True, exist_ok=True)
        return EMPTY_TAR

    monkeypatch.setattr(chromium_files, "_brotli", another)
    assert chromium(tmp_path).program == unpacked / "chromium"
    assert (unpacked / "lib").is_dir()
    shutil.rmtree(unpacked)
    monkeypatch.setattr(chromium_files, "_brotli", lambda *_: EMPTY_TAR)
    assert chromium(tmp_path).program.is_file()
    assert list(unpacked.parent.iterdir()) == [unpacked], "nothing half done is left"


EMPTY_TAR = b"\0" * 10240


def on(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(chromium_files.sys, "platform", system)
    monkeypatch.setattr(chromium_files.platform, "machine", lambda: machine)


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)

"""The image's check says what it needs, runs workers as ECS would, and believes no restriction."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.image_check import command, container, probing
from deploy.image_check.command import main
from deploy.image_check.probing import probe
from deploy.image_check.programs import CheckError, require_programs, run
from tests.repository.imports import imports

IMAGE = {
    "User": "10001:10001",
    "WorkingDir": "/tmp",  # noqa: S108 - the image's
    "Env": ["PATH=/opt/starburst/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp"],
}

FAKE = """
import json, sys
without = [sys.argv[n + 1] for n, word in enumerate(sys.argv) if word == "--without"]
held = lambda name: name not in without
stuck = {stuck!r}
def said(name, refusal):
    return refusal if held(name) or name in stuck else "done"
print(json.dumps({{
    "root": said("read-only", "Read-only file system"),
    "packages": said("read-only", "Read-only file system"),
    "volume": "done" if held("volume") else "No space left on device",
    "uid": 10001 if held("user") else 0,
    "become": said("user", "Operation not permitted"),
    "effective": "0", "bounding": "0", "mine": "done",
    "chown": said("capabilities", "Operation not permitted"),
    "setuid": "10001" if held("privileges") or "privileges" in stuck else "0",
}}))
"""
"""A launcher where each restriction holds; one that is stuck holds without being asked for."""


def launched(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> dict[str, bool]:
    root = folder / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/id").write_text("id")
    launcher = folder / "launcher.py"
    launcher.write_text(script)
    monkeypatch.setattr(probing, "LAUNCHER", launcher)
    return {each.name: each.enforced for each in probe({"root": str(root)}, folder)}


def test_a_restriction_counts_where_its_absence_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = launched(monkeypatch, tmp_path, FAKE.format(stuck=()))
    assert len(found) == 6
    assert set(found.values()) == {True}


@pytest.mark.parametrize(
    ("stuck", "name"),
    [
        ("read-only", "read-only root"),
        ("capabilities", "dropped capabilities"),
        ("user", "user 10001"),
        ("privileges", "no new privileges"),
    ],
)
def test_what_fails_for_another_reason_is_no_restriction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stuck: str, name: str
) -> None:
    found = launched(monkeypatch, tmp_path, FAKE.format(stuck=(stuck,)))
    assert [each for each, enforced in found.items() if not enforced] == [name]


def test_a_kernel_that_enforces_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held, nothing = "name not in without", "name == 'volume'"
    found = launched(monkeypatch, tmp_path, FAKE.format(stuck=()).replace(held, nothing))
    assert [name for name, enforced in found.items() if enforced] == ["volume on /tmp"]


def test_a_probe_that_does_not_run_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CheckError, match="no probe runs in the image: no such root"):
        launched(monkeypatch, tmp_path, "import sys; sys.exit('no such root')")


def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *without: str) -> dict[str, Any]:
    monkeypatch.setattr(os, "chown", lambda *_: None)
    settings = {"root": "/image", "config": IMAGE, "worker": True}
    return container._document(settings, tmp_path, without=[*without], command=["python"])


def test_a_worker_runs_as_its_task_definition_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("STARBURST_WORKSPACE", "demo")
    monkeypatch.setenv("PYTHONPATH", "/of/this/machine")
    made = document(tmp_path, monkeypatch)
    assert made["root"] == {"path": "/image", "readonly": True}
    process = made["process"]
    assert process["user"] == {"uid": 10001, "gid": 10001}
    assert set(map(len, process["capabilities"].values())) == {0}
    assert process["noNewPrivileges"] is True
    variables = dict(each.split("=", 1) for each in process["env"])
    assert variables["STARBURST_WORKSPACE"] == "demo"
    assert variables["PATH"] == "/opt/starburst/bin:/bin"
    assert "PYTHONPATH" not in variables
    # It is read where the volume is, since nothing else of this machine is seen.
    inside = Path(variables["AWS_CA_BUNDLE"])
    assert inside.parent == Path("/tmp")  # noqa: S108 - the volume's place
    assert (tmp_path / inside.name).read_text() == "certificates"
    [volume] = [one for one in made["mounts"] if one["destination"] == "/tmp"]  # noqa: S108
    assert volume["source"] == str(tmp_path)


@pytest.mark.parametrize("left_out", container.RESTRICTIONS)
def test_each_restriction_can_be_left_out_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    held, made = document(tmp_path, monkeypatch), document(tmp_path, monkeypatch, left_out)
    places = {
        "read-only": ("root", "readonly"),
        "capabilities": ("process", "capabilities"),
        "privileges": ("process", "noNewPrivileges"),
        "user": ("process", "user"),
        "volume": ("mounts", -1),
    }
    assert set(places) == set(container.RESTRICTIONS)
    for name, (part, key) in places.items():
        assert (made[part][key] != held[part][key]) == (name == left_out), name


def test_who_is_not_root_is_told_and_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(command, "_PYTHON", sys.version_info[:2])
    assert main(["--folder", str(tmp_path / "check")]) == 2
    assert "only root can, so nothing was done" in capsys.readouterr().err
    assert not (tmp_path / "check").exists()


def test_another_python_than_the_bases_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "_PYTHON", (3, 9))
    assert main(["--folder", str(tmp_path / "check")]) == 2
    assert "run it from a .venv of that Python" in capsys.readouterr().err


def test_a_system_without_apt_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name != "unshare" else name)
    with pytest.raises(CheckError, match="to install buildah, crun, mmdebstrap, skopeo with"):
        require_programs()


def test_a_step_that_fails_shows_its_own_last_words() -> None:
    with pytest.raises(CheckError, match=r"failed \(3\):\nof the step"):
        run(sys.executable, "-c", "import sys; print('of the step'); sys.exit(3)")
    with pytest.raises(CheckError, match="there is no no-such-program here"):
        run("no-such-program")


def test_the_launcher_is_a_program_by_itself() -> None:
    """Nothing of the kit is imported where a worker starts."""
    tops = {name.partition(".")[0] for name in imports(Path(container.__file__))}
    assert tops <= set(sys.stdlib_module_names)

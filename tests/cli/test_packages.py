"""``starburst packages``: what each command says, and what it leaves in the bucket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from starburst.cli import main
from starburst.contract import Limits, PackagesDocument, RuntimeDocument, WorkspaceDocument
from tests.cli.shapes import promised
from tests.packages.conftest import BUCKET, HERE, s3, sdk
from tests.packages.wheels import only_offered, sha256, wheel

__all__ = ["s3", "sdk"]


class Place:
    """An analyst's connection, or a steward's, to one workspace of moto's."""

    def __init__(self, client: Any) -> None:
        self.document = PackagesDocument(policy="any")
        self.arguments: Any = None
        workspace = WorkspaceDocument(
            analyst_role_arn="arn", task_definition="study", limits=Limits()
        )
        self.connection = SimpleNamespace(
            s3=client,
            ssm=self,
            workspace="study",
            local=False,
            steward=False,
            document=RuntimeDocument(
                environment="test",
                account="123456789012",
                region="eu-west-1",
                bucket=BUCKET,
                key_arn="arn",
                controller="arn",
                python=HERE.python,
                architecture="X86_64",
                workspaces={"study": workspace},
            ),
        )

    def connected(self, arguments: Any) -> Any:
        self.arguments = arguments
        self.connection.steward = arguments.steward
        return self.connection

    def get_parameter(self, *, Name: str) -> Any:
        assert Name == "/starburst/test/packages/study"
        return {"Parameter": {"Value": self.document.to_json()}}


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return only_offered(tmp_path, monkeypatch)


@pytest.fixture
def place(s3: Any, offered: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(s3)
    monkeypatch.setattr("starburst.cli.packages.connected", made.connected)
    return made


@pytest.fixture
def said(place: Place, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*words: str, code: int = 0) -> str:
        assert main(["packages", *words]) == code
        out, err = capsys.readouterr()
        return err if code else out

    return run


def test_what_would_travel_is_shown_and_not_sent(
    said: Callable[..., str], place: Place, offered: Path
) -> None:
    wheel(offered, "small", needs=("other", "msgpack"))
    wheel(offered, "other")
    wheel(offered, "msgpack", "0.1")
    place.document = replace(place.document, image={"other": "1.0", "msgpack": "1.9"})
    text = said("show", "small")
    assert "packages='any'; its image has 2 packages" in text
    assert "missing   small 1.0" in text
    assert "image     other 1.0" in text
    assert "image     msgpack 1.9, not 0.1: Starburst needs its own" in text
    assert "1 package of 0.0 MB would travel" in text
    assert "1 wheel of" in text
    assert "Contents" not in place.connection.s3.list_objects_v2(Bucket=BUCKET)


def test_the_lock_of_this_folder_is_what_is_shown(
    said: Callable[..., str], offered: Path, tmp_path: Path
) -> None:
    assert "this folder has none of uv.lock" in said("show", code=1)
    path = wheel(offered, "small")
    (tmp_path / "requirements.txt").write_text(f"small==1.0 --hash=sha256:{sha256(path)}\n")
    assert "small 1.0" in said("show")


def test_a_program_is_shown_by_what_it_imports(
    said: Callable[..., str], offered: Path, tmp_path: Path
) -> None:
    from importlib.metadata import version  # noqa: PLC0415

    import iniconfig  # noqa: F401, PLC0415 - any small package that is installed wherever tests run

    wheel(offered, "iniconfig", version("iniconfig"))
    (tmp_path / "mine.py").write_text("import iniconfig\n")
    (tmp_path / "program.py").write_text("import mine\n")
    assert f"iniconfig {version('iniconfig')}" in said("show", "program.py")
    (tmp_path / "program.py").write_text("import json\n")
    assert "Nothing would travel" in said("show", "program.py")
    assert "there is no program 'gone.py'" in said("show", "gone.py", code=1)


def test_a_steward_publishes_lists_and_removes(
    said: Callable[..., str], place: Place, offered: Path
) -> None:
    path = wheel(offered, "small")
    place.document = PackagesDocument(policy="allowed", allowed=("small",))
    assert "no steward has put small 1.0" in said("publish", "small", code=1)
    assert "put 1 of 1 wheels" in said("publish", "small", "--steward")
    assert "put 0 of 1 wheels" in said("publish", "small", "--steward")
    assert "there     small 1.0" in said("show", "small")
    text = said("ls")
    assert f"{sha256(path)[:12]}.00  {path.name}" in text
    assert "1 wheel of" in text
    assert "keeps no wheel 'small'" in said("rm", "small", "--steward", code=1)
    assert "is removed" in said("rm", sha256(path)[:8], "--steward")
    assert "0 wheels of" in said("ls")
    found = place.connection.s3.list_object_versions(Bucket=BUCKET)
    assert not {"Versions", "DeleteMarkers"} & found.keys()


def test_scripts_read_what_would_travel_is_put_kept_and_removed(
    said: Callable[..., str], offered: Path
) -> None:
    def asked(*words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(said(*words, "--json"))
        assert found.keys() == promised()[f"packages {words[0]}"]
        return found

    path = wheel(offered, "small")
    shown = asked("show", "small")
    size = path.stat().st_size
    assert shown["packages"] == [
        {"name": "small", "version": "1.0", "state": "missing", "nbytes": size}
    ]
    assert (shown["missing"], shown["missing_bytes"]) == (1, size)
    assert asked("publish", "small")["put"] == 1
    assert asked("publish", "small")["put"] == 0
    assert asked("ls")["sha256"] == sha256(path)
    assert asked("rm", path.name, "--steward")["copy"] == 0
    assert said("ls", "--json") == ""


def test_wheels_for_the_other_architecture(said: Callable[..., str], offered: Path) -> None:
    tag = f"cp{HERE.python.replace('.', '')}-abi3-manylinux_2_28_aarch64"
    wheel(offered, "fast", tag=tag)
    assert "fast 1.0" in said("show", "fast", "--architecture", "arm64")
    assert "fast" in said("show", "fast", code=1)

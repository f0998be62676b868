"""Packages on local, by the real policies: a steward puts wheels there, analysts use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import starburst
from starburst import Connection, PackagesRefused
from starburst.cli import main
from starburst.contract import WorkspaceKeys
from starburst.local import LocalEnvironment
from tests.packages.wheels import only_offered, sha256, wheel

LISTED = "humanize==4.5"
"""What the workspace ``other`` allows, and no machine that tests run on has."""


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = only_offered(tmp_path, monkeypatch)
    wheel(folder, "humanize", "4.5", files={"humanize.py": "def words(n):\n    return f'{n:,}'\n"})
    wheel(folder, "unlisted", "1.0")
    return folder


@pytest.fixture
def analyst(local_environment: LocalEnvironment, offered: Path) -> Iterator[Connection]:
    assert local_environment.endpoint
    assert offered.is_dir()
    yield starburst.connect("local", "other", user="alice")
    main(["packages", "rm", "humanize-4.5-py3-none-any.whl", "-w", "other", "--steward"])


def words(number: int) -> str:
    import humanize  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - on workers

    return str(humanize.words(number))


def test_what_a_steward_put_there_is_there_for_analysts(
    analyst: Connection, offered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> list[str]:
        return starburst.map(words, [1_000], environment=analyst, packages=[LISTED], workers=1)

    with pytest.raises(PackagesRefused, match=r"no steward has put humanize 4.5"):
        run()
    assert main(["packages", "publish", LISTED, "-w", "other"]) == 1
    assert main(["packages", "publish", "unlisted", "-w", "other", "--steward"]) == 1
    assert main(["packages", "publish", LISTED, "-w", "other", "--steward"]) == 0
    assert "put 1 of 1 wheels" in capsys.readouterr().out
    assert run() == ["1,000"]
    # Whatever a client of another make tries, the bucket lets no analyst write or remove here.
    (path,) = offered.glob("humanize-*.whl")
    key = WorkspaceKeys(workspace="other").package(sha256(path), 1)
    bucket = analyst.document.bucket
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        analyst.s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), IfNoneMatch="*")
    assert main(["packages", "rm", path.name, "-w", "other"]) == 1
    assert main(["packages", "ls", "-w", "other"]) == 0
    assert path.name in capsys.readouterr().out

"""``starburst report``: the page is written, and where it is is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from starburst.cli import main


class _Session:
    id = "a" * 20

    def __init__(self) -> None:
        self.calls: list[object] = []

    def report(self, path: str | None) -> Path:
        self.calls.append(path)
        return Path(path or f"starburst-{self.id}.html")

    def detach(self) -> None:
        self.calls.append("detached")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> _Session:
    found = _Session()

    def attach(connection: object, session: str, **options: Any) -> _Session:
        assert session == found.id
        assert options == {"progress": False, "count_only": True}
        return found

    monkeypatch.setattr("starburst._client.attaching.attach_session", attach)
    monkeypatch.setattr("starburst.cli.report.connected", lambda arguments: None)
    return found


def test_it_says_where_the_page_is(session: _Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", session.id]) == 0
    assert capsys.readouterr().out.startswith(f"starburst-{session.id}.html shows how session")
    assert session.calls == [None, "detached"]


def test_as_json_it_says_the_whole_path(
    session: _Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", session.id, "--out", "there/burst.html", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"session": session.id, "report": str(Path("there/burst.html").absolute())}

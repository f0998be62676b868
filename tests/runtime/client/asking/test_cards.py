"""What notebooks show: one output a bar, drawn seldom, and text that is never obeyed."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from bs4 import BeautifulSoup

from starburst._client.access.connection import Connection
from starburst._client.display.progress import ProgressBar, wants_progress
from starburst._client.display.session_status import Status
from starburst._client.notebooks import bar as bar_module
from starburst._client.notebooks.bar import NotebookBar
from starburst._client.notebooks.cards import card
from starburst._client.tasks.futures import FutureList
from starburst._client.tasks.task_list import Tally, TaskList
from starburst.errors import RemoteTraceback, TaskError
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened
from tests.statuses import a_status

HOSTILE = "<script>alert(1)</script>\x1b[31m"


class Screen:
    """What IPython's display would be given."""

    def __init__(self) -> None:
        self.outputs: list[list[dict[str, str]]] = []

    def __call__(self, bundle: dict[str, str]) -> Screen:
        self.outputs.append([bundle])
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.outputs[-1].append(bundle)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Be in a notebook."""

    class ZMQInteractiveShell:
        pass

    class IPython:
        @staticmethod
        def get_ipython() -> ZMQInteractiveShell:
            return ZMQInteractiveShell()

    found = Screen()
    monkeypatch.setitem(sys.modules, "IPython", IPython)  # type: ignore[arg-type]
    monkeypatch.setattr(bar_module, "_display", found)
    return found


def test_a_bar_is_one_output_however_often_it_is_drawn(
    screen: Screen, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wants_progress()
    bar = ProgressBar("starburst prod/genomics")
    for done in range(1_000):
        bar.update(Tally(total=1_000, done=done), None)
    bar.update(Tally(total=1_000, done=1_000, failed=3), None)
    bar.rest(Tally(total=1_000, done=1_000, failed=3), None)
    assert len(screen.outputs) == 1
    assert len(screen.outputs[0]) < 100
    last = screen.outputs[0][-1]
    for said in ("1,000 of 1,000 tasks done", "3 failed"):
        assert last["text/html"].count(said) == last["text/plain"].count(said) == 1
    bar.update(Tally(total=1_001, done=1_000, failed=3), None)
    bar.finish()
    assert len(screen.outputs) == 2
    assert capsys.readouterr() == ("", "")


def test_what_changed_last_is_shown_at_the_end(screen: Screen) -> None:
    bar = NotebookBar("here", display=screen)
    bar.draw(Tally(total=9, done=1), "starting")
    bar.draw(Tally(total=9, done=2), "starting")
    bar.draw(Tally(total=9, done=3), "stopped")
    bar.close()
    assert "3 of 9 tasks done" in screen.outputs[0][-1]["text/html"]


def test_cards_show_text_and_never_obey_it(connection: Connection, fleet: Fleet) -> None:
    tasks = TaskList()
    tasks.add(3)
    futures: FutureList[Any] = FutureList(tasks, range(3))
    futures[0].set_result(HOSTILE)
    error = TaskError(HOSTILE)
    error.add_note(HOSTILE)
    error.__cause__ = RemoteTraceback(HOSTILE)
    futures[1].set_exception(error)
    session = opened(connection, fleet)
    status = Status(session=HOSTILE, tasks=Tally(total=4), workers=a_status(reason=HOSTILE))
    texts = [
        *(each._repr_html_() for each in (*futures, futures, error, session, status)),  # type: ignore[attr-defined]
        card(HOSTILE, [HOSTILE], aside=HOSTILE, tally=Tally(total=1, failed=1, done=1)),
    ]
    session.cleanup()
    for text in texts:
        assert {tag.name for tag in BeautifulSoup(text, "html.parser").find_all(True)} <= {
            *("div", "span", "b", "pre"),
        }
        assert "\x1b" not in text
    assert "4 tasks done" in texts[5]
    assert "alert(1)" in texts[4]

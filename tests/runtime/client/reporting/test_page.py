"""The page of a report: what it says, that it stays small, and that nothing in it is obeyed."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from typing import Any

import pytest
from bs4 import BeautifulSoup

from starburst._client.history.course import Story
from starburst._client.reporting.drawing import ROWS
from starburst._client.reporting.facts import Facts
from starburst._client.reporting.page import page
from starburst._client.tasks.task_list import Tally
from tests.manifests import a_manifest
from tests.runtime.client.reporting.invented import BEGAN, HOSTILE, facts
from tests.some import some

_ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer"),
    *("h1", "h2", "p", "div", "ul", "ol", "li", "dl", "dt", "dd", "b", "i", "a", "strong", "span"),
    *("code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "wbr"),
    *("svg", "g", "rect", "path"),
}


def read(found: Facts) -> BeautifulSoup:
    return BeautifulSoup(page(found), "html.parser")


def head_of(element: Any) -> str:
    return str(element.get_text())


def part(soup: BeautifulSoup, head: str) -> str:
    for section in soup.find_all("section"):
        if head_of(section.h2) == head:
            return section.get_text(" ", strip=True)
    raise AssertionError(f"there is no part {head!r}")


def test_it_says_what_was_done_what_it_cost_and_what_went_wrong() -> None:
    soup = read(facts(late={77: 60.0}, text="no convergence"))
    words = soup.get_text(" ", strip=True)
    assert "72 of 80 tasks have a result" in words
    assert "8 failed" in words
    assert head_of(soup.h1) == "no convergence"
    assert "4 of them with ValueError" in part(soup, "What stands out")
    assert "Task 77 took 1 min, " in part(soup, "What stands out")
    assert "memory=2" in part(soup, "What stands out")
    errors = part(soup, "Errors by kind")
    assert "ValueError" in errors
    assert "lib. Broken" in errors
    assert "Traceback (most recent call last)" in errors
    slowest = part(soup, "Slowest inputs").split()
    assert slowest[slowest.index("Worker") + 1] == "77"
    assert "Gene('TP53')" in part(soup, "Slowest inputs")
    assert "The same, on Spot" in part(soup, "What it would cost again")
    assert "3, each" not in part(soup, "What was asked")
    assert "4, each with 1 vCPU and 4 GB" in part(soup, "What was asked")
    assert {"slow", "bad", "again", "ok"} <= {
        kind for r in soup.find_all("rect") for kind in r["class"]
    }


def test_text_from_anywhere_is_shown_and_never_obeyed() -> None:
    found = facts(text=HOSTILE, said=HOSTILE)
    found = replace(
        found,
        environment=HOSTILE,
        manifest=replace(found.manifest, workspace=HOSTILE, user=HOSTILE, python=HOSTILE),
    )
    for kind in found.story.kinds.values():
        kind.name, kind.traceback = HOSTILE, HOSTILE
    for worker in found.story.workers:
        worker.name = HOSTILE
    text = page(found)
    soup = BeautifulSoup(text, "html.parser")
    tags = soup.find_all(True)
    # Titles within shapes are what is shown where one points at them.
    assert {tag.name for tag in tags} <= _ALLOWED
    assert not [name for tag in tags for name in tag.attrs if name.startswith("on")]
    assert [tag["href"] for tag in tags if "href" in tag.attrs] == ["#errors"]
    assert not [tag for tag in tags if "src" in tag.attrs]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>document.title" in head_of(soup.h1)
    policy: Any = soup.find("meta", {"http-equiv": True})
    assert policy["content"].startswith("default-src 'none'")


def test_nothing_comes_from_elsewhere() -> None:
    text = page(facts())
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<link|<script", text)


@pytest.mark.parametrize("workers", [4, 500])
def test_a_page_of_many_tasks_stays_small(workers: int) -> None:
    found = facts(workers=workers, tasks=100_000, mean=1.0)
    text = page(found)
    assert len(text) < 1_000_000
    rows = {str(tag["y"]) for tag in BeautifulSoup(text, "html.parser").select("rect.there[x]")}
    assert len(rows) >= min(workers, ROWS)
    assert ("The first 160 of 500 workers are drawn" in text) == (workers == 500)


def test_each_workers_row_shows_what_it_did() -> None:
    """In the middle of a long run, one that failed is seen, and does not hide the others."""
    soup = read(facts(workers=2, tasks=4_000, mean=0.4))
    drawn = soup.select(".timeline path")
    kinds = {kind for path in drawn for kind in path["class"]}
    assert {"ok", "bad"} <= kinds


def test_a_session_of_which_nothing_is_known_yet_has_a_page_too() -> None:
    empty = Facts(
        environment="prod",
        local=True,
        manifest=a_manifest(created=BEGAN),
        status=None,
        tally=Tally(),
        story=Story(),
        now=BEGAN + 5,
    )
    words = read(empty).get_text(" ", strip=True)
    assert "No task has been submitted yet." in words
    assert "for a thousand tasks" not in words
    assert "first task after" not in words
    assert "the controller has not reported yet" in words
    waiting = read(replace(empty, tally=Tally(total=3))).get_text(" ", strip=True)
    assert "3 tasks to do" in waiting


def test_tasks_without_times_say_that_these_are_not_known() -> None:
    found = facts()
    story = dataclasses.replace(found.story, bars=[], workers=[], slowest=[], timed=0)
    soup = read(replace(found, story=story))
    assert "When tasks ran is not known" in soup.get_text()


@pytest.mark.parametrize("seconds", [1e-5, 0.02, 1, 300, 40_000])
def test_axes_have_a_few_round_marks_whatever_the_times(seconds: float) -> None:
    soup = read(facts(mean=seconds, tasks=40))
    for axis in some(soup.select(".axis")):
        marks = [each.get_text() for each in axis.find_all("span")]
        assert 1 <= len(marks) <= 8
        assert len(set(marks)) == len(marks) or "first" in axis["class"]

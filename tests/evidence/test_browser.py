"""The page in a browser: it filters, fits a phone, asks no network, and prints everything."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from deploy.evidence.gather import Evidence
from deploy.evidence.left_out import left_out
from deploy.evidence.matrix import matrix
from starburst_assurance.controls import CHECKLIST, CONTROLS, Framework, references
from tests.evidence.chromium import Tab, open_tab

DESKTOP, PHONE = 1280, 390
SHOWN = "[...document.querySelectorAll('tr.control')].filter(r => !r.hidden).map(r => r.id)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with open_tab(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(folder: Path) -> Path:
    return folder / "index.html"


def enter(tab: Tab, control: str, value: str) -> None:
    script = f"(e => {{ e.value = '{value}'; e.dispatchEvent(new Event('input')); }})"
    tab.run(f"{script}(document.getElementById('f-{control}'))")


def test_the_filter_finds_by_text_framework_and_result(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    assert tab.run(SHOWN) == [control.name for control in CONTROLS]
    enter(tab, "text", "S3.17 key")
    assert tab.run(SHOWN) == ["encrypted-with-our-key"]
    assert f"1 of {len(CONTROLS)}" in tab.run("document.getElementById('f-count').textContent")
    assert tab.run("document.querySelectorAll('#matrix tbody:not([hidden])').length") == 1
    enter(tab, "text", "")
    enter(tab, "framework", Framework.CIS.value)
    assert tab.run(SHOWN) == [
        control.name
        for control in CONTROLS
        if any(each.framework is Framework.CIS for each in references(control))
    ]
    enter(tab, "result", "waived")
    assert "no-public-bucket" not in tab.run(SHOWN)
    assert "access-logs" in tab.run(SHOWN)
    enter(tab, "text", "no control says this")
    assert tab.run(SHOWN) == []
    tab.run("document.getElementById('f-clear').click()")
    assert len(tab.run(SHOWN)) == len(CONTROLS)


def test_a_number_of_the_summary_shows_its_controls(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    tab.run("document.querySelector('[data-show=\"waived\"]').click()")
    shown = tab.run(SHOWN)
    assert shown
    assert str(len(shown)) in tab.run(
        "document.querySelector('[data-show=\"waived\"]').textContent"
    )


def test_a_link_leads_to_its_control_though_a_filter_hides_it(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    enter(tab, "text", "no control says this")
    tab.run("document.querySelector('#checklist + table a[href^=\"#\"]').click()")
    assert len(tab.run(SHOWN)) == len(CONTROLS)


def test_a_framework_of_the_summary_shows_its_controls(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    tab.run(f"document.querySelector('[data-framework=\"{Framework.CIS.value}\"]').click()")
    told = "[...document.querySelectorAll('#by-framework tr')].find(r => r.textContent.includes("
    told += f"'{Framework.CIS.value}')).cells[2].textContent"
    assert str(len(tab.run(SHOWN))) == tab.run(told)


def test_details_open_and_close_at_once(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    closed = "document.querySelectorAll('#matrix details:not([open])').length"
    assert tab.run(closed) > 0
    tab.run("document.getElementById('f-expand').click()")
    assert tab.run(closed) == 0


@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "light"), (PHONE, "dark"), (768, "light"), (DESKTOP, "light")]
)
def test_nothing_is_wider_than_the_screen(tab: Tab, page: Path, width: int, scheme: str) -> None:
    tab.load(page, width=width, scheme=scheme)
    tab.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_the_console_is_silent_and_nothing_is_fetched(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    tab.run("1")
    said = [
        each
        for each in tab.events
        if each["method"]
        in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    ]
    assert said == []
    asked = {
        each["params"]["request"]["url"].partition(":")[0]
        for each in tab.events
        if each["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {"file", "data"}


CONTRAST = """(() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const seen = [...document.querySelectorAll('p, li, th, td, a, summary, small, dt, .status')];
  return Math.min(...seen.map(e => { const ink = light(getComputedStyle(e).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); }));
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_paper(tab: Tab, page: Path, scheme: str) -> None:
    tab.load(page, width=DESKTOP, scheme=scheme)
    assert tab.run(CONTRAST) >= 4.5


def test_it_can_be_used_by_keyboard(tab: Tab, page: Path) -> None:
    tab.load(page, width=DESKTOP)
    reached = []
    for _ in range(40):
        for kind in ("rawKeyDown", "keyUp"):
            tab.send("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
        reached.append(tab.run("document.activeElement.id || document.activeElement.className"))
    assert reached[0] == "skip"
    assert {"f-text", "f-framework", "f-result", "f-expand"} <= set(reached)


@pytest.fixture(scope="module")
def printed(tab: Tab, folder: Path) -> str:
    """The page's text as it would be printed while a filter is on, without its spaces."""
    tab.load(folder / "index.html", width=DESKTOP)
    enter(tab, "text", "S3.17")
    pages = PdfReader(io.BytesIO(tab.pdf())).pages
    assert len(tab.run(SHOWN)) == 1, "the screen is as it was"
    # Ligatures are letters of their own in a PDF.
    text = unicodedata.normalize("NFKC", " ".join(each.extract_text() for each in pages))
    return "".join(text.split())


def test_what_is_printed_has_every_row_though_a_filter_hides_them(printed: str) -> None:
    missing = [
        said
        for said in (
            *(control.title for control in CONTROLS),
            *(control.name for control in CONTROLS),
            *(name for control in CONTROLS for name in control.guard[:1]),
            *(item.text for item in CHECKLIST),
        )
        if "".join(said.split()) not in printed
    ]
    assert missing == []
    assert "Opendetails" not in printed, "controls are for screens"


def test_what_was_left_out_is_printed_by_name_and_on_the_first_screens(
    tab: Tab, page: Path, evidence: Evidence, printed: str
) -> None:
    tab.load(page, width=DESKTOP)
    top = tab.run("document.getElementById('left-out').getBoundingClientRect().top")
    controls = tab.run("document.getElementById('controls').getBoundingClientRect().top")
    assert top < controls
    names = [name for each in left_out(evidence, matrix(evidence)) for name in each.names]
    assert names
    assert [name for name in names if "".join(name.split()) not in printed] == []

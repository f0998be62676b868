"""How a report looks in a browser: nothing overflows a telephone, dark is dark, no script runs."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest

from starburst._client.reporting.page import page
from tests.evidence.chromium import open_tab
from tests.runtime.client.reporting.invented import HOSTILE, facts
from tests.runtime.client.reporting.picture import shown

_MEASURE = """
<!doctype html><meta charset="utf-8"><body><script>
const found = {};
function look(frame) {
  const page = frame.contentDocument, root = page.documentElement;
  const style = getComputedStyle(page.body), title = getComputedStyle(page.querySelector("h1"));
  found[frame.width] = {
    wide: root.scrollWidth, title: page.title, paper: style.backgroundColor, ink: title.color,
    svg: Math.round(page.querySelector(".timeline svg").getBoundingClientRect().width),
    small: Math.min(...[...page.querySelectorAll("p,td,dd,dt,li,summary")].filter(
      each => each.offsetParent).map(each => parseFloat(getComputedStyle(each).fontSize))),
  };
}
</script>
"""


def measured(text: str, folder: Path, *widths: int, dark: bool) -> dict[str, Any]:
    """Return what a browser makes of a page at some widths."""
    frames = "".join(
        f'<iframe width="{width}" height="900" srcdoc="{html.escape(text)}" onload="look(this)">'
        "</iframe>"
        for width in widths
    )
    file = folder / "measure.html"
    file.write_text(_MEASURE + frames, encoding="utf-8")
    with open_tab(folder / "profile") as tab:
        tab.load(file, width=1800, height=1000, scheme="dark" if dark else "light")
        return dict(tab.run("found"))


def lightness(colour: str) -> float:
    numbers = [float(n) for n in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(numbers) / 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_a_telephone_and_a_screen_and_runs_no_script(tmp_path: Path, dark: bool) -> None:
    text = page(facts(workers=12, tasks=200, text=HOSTILE * 3, said=HOSTILE * 2))
    found = measured(text, tmp_path, 390, 1280, dark=dark)
    for width in (390, 1280):
        seen = found[str(width)]
        assert seen["wide"] <= width
        assert seen["svg"] > 0.7 * width
        assert seen["small"] >= 11
        assert seen["title"].startswith("Burst report ")
        assert (lightness(seen["paper"]) < 60) == dark
        assert abs(lightness(seen["paper"]) - lightness(seen["ink"])) > 150


def test_the_picture_in_the_documents_is_of_a_report() -> None:
    text = page(shown())
    assert "Expression, 400 genes" in text
    assert "360 of 400 tasks" in text

"""What no template can hold, in full: the sections of the documents that controls point to.

A reader of the folder has no checkout, so a page that only named them would lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from deploy.tools.cdk import ROOT
from starburst_assurance.controls import Control

__all__ = ["Duty", "anchor", "duties", "inline"]

_SECTION: Final = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
_CODE: Final = re.compile(r"(`+)(.+?)\1")
_LINK: Final = re.compile(r"\[([^]]*)\]\([^)]*\)")
_STRESS: Final = re.compile(r"\*([^*]+)\*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """One section.

    Attributes:
        anchor: on the page.
        title: its heading.
        text: what it says, as HTML.
        controls: those that point to it.
    """

    anchor: str
    title: str
    text: Markup
    controls: tuple[Control, ...]


def duties(controls: Iterable[Control]) -> list[Duty]:
    """Return each section that a control points to, in the order of the documents."""
    pointing: dict[str, list[Control]] = {}
    for control in controls:
        for page in control.yours:
            pointing.setdefault(page, []).append(control)
    documents = dict.fromkeys(page.partition("#")[0] for page in pointing)
    return [
        Duty(anchor=anchor(page), title=title, text=_html(body), controls=tuple(pointing[page]))
        for document in documents
        for title, body in _SECTION.findall((ROOT / "docs" / document).read_text())
        if (page := f"{document}#{_slug(title)}") in pointing
    ]


def anchor(page: str) -> str:
    """Return where on our page a section of a document stands."""
    return "duty-" + page.partition("#")[2]


def inline(text: str) -> Markup:
    """Return a line with its code and stress as HTML; links lose what they lead to.

    Example:
        >>> inline("put `userName` *first*, see [there](other.md)")
        Markup('put <code>userName</code> <em>first</em>, see there')
    """
    safe = _LINK.sub(r"\1", str(escape(text)))
    parts = _CODE.split(safe)  # plain, ticks, code, plain, ticks, code, … plain
    plain = [_STRESS.sub(r"<em>\1</em>", part) for part in parts[::3]]
    code = [f"<code>{part}</code>" for part in parts[2::3]]
    woven = [piece for pair in zip(plain, [*code, ""], strict=True) for piece in pair]
    return Markup("".join(woven))  # noqa: S704 - escaped above


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _html(body: str) -> Markup:
    """Render what those documents use of Markdown: paragraphs, one level of list, code blocks."""
    return Markup("\n").join(_block(each) for each in re.split(r"\n{2,}", body.strip()))


def _block(text: str) -> Markup:
    if text.startswith("```"):
        code = "\n".join(text.splitlines()[1:-1])
        return Markup("<pre>{}</pre>").format(code)
    if text.startswith("- "):
        return Markup("<ul>{}</ul>").format(Markup("").join(_items(text)))
    return Markup("<p>{}</p>").format(inline(" ".join(text.split())))


def _items(text: str) -> Iterator[Markup]:
    for item in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        yield Markup("<li>{}</li>").format(inline(" ".join(item.split())))

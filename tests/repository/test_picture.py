"""The picture of the rooms in docs/architecture.svg is true of the code."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest

from tests.repository.imports import ROOT, modules, needs
from tests.some import some

SVG = "{http://www.w3.org/2000/svg}"
SINGLE = {"environments": "app", "stacks.stage": "app"}
"""Modules drawn within another room."""

PACKAGES = ("deploy", "stacks", "starburst", "starburst_assurance", "starburst_constructs")
"""Their sub-packages are rooms; what stands beside these belongs to all of them."""


@dataclass(frozen=True, kw_only=True)
class Room:
    left: float
    top: float
    shared: bool


def drawn() -> dict[str, Room]:
    rooms: dict[str, Room] = {}
    for group in ET.parse(ROOT / "docs/architecture.svg").getroot().iter(f"{SVG}g"):  # noqa: S314 - our own
        name, box = group.get("data-room"), group.find(f"{SVG}rect")
        if name and box is not None:
            rooms[name] = Room(
                left=float(box.get("x", 0)),
                top=float(box.get("y", 0)),
                shared="shared" in box.get("class", "").split(),
            )
    return rooms


def room_of(module: str) -> str | None:
    """Return the room of a module; None for what stands beside the rooms of its package."""
    if module in SINGLE:
        return SINGLE[module]
    top, _, rest = module.partition(".")
    if top in PACKAGES:
        within = rest.split(".")[0]
        path = modules()[module]
        package = modules().get(f"{top}.{within}")
        inner = bool(within) and package is not None and package.name == "__init__.py"
        if inner or module == "starburst.errors":
            return f"{top}.{within}"
        own = path.parent.name == top and top in drawn()
        return top if own else None
    return top if top == "app" else None


def is_downward(rooms: dict[str, Room], importing: str, imported: str) -> bool:
    """Whether the picture allows an import: down its column, or into what the kit shares."""
    here, there = rooms[importing], rooms[imported]
    middle = 500
    if (here.left < middle) == (there.left < middle):
        return there.top > here.top
    return here.left < middle and there.shared


def test_every_room_is_drawn_and_every_drawn_room_exists() -> None:
    real = {room_of(module) for module in modules()} - {None}
    assert set(drawn()) == real


def test_every_import_points_down() -> None:
    rooms = drawn()
    wrong = {
        f"{module} -> {other}"
        for module, others in some(needs().items())
        for other in others
        if (here := room_of(module))
        and (there := room_of(other))
        and here != there
        and not is_downward(rooms, here, there)
    }
    assert not wrong


@pytest.mark.parametrize(
    ("importing", "imported"),
    [
        ("starburst._protocol", "starburst._client"),
        ("starburst_constructs.policies", "starburst_assurance.gate"),
        ("starburst.controller", "stacks"),
        ("stacks", "starburst._client"),
    ],
)
def test_an_arrow_that_points_up_or_across_would_be_seen(importing: str, imported: str) -> None:
    assert not is_downward(drawn(), importing, imported)

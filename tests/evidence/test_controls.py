"""Every control names things that exist, and the pages made from them are in step."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from deploy.tools.controls import checklist_page, controls_page, main
from starburst_assurance.controls import CHECKLIST, CONTROLS, Control, Framework, references
from starburst_assurance.controls.frameworks import PACK_FRAMEWORKS, nag_rules
from starburst_assurance.controls.model import UNVERIFIED
from starburst_assurance.packs.catalogue import nag_catalogue
from starburst_assurance.packs.control_tower import guard_catalogue
from starburst_assurance.proofs.theorems import ALL as THEOREMS
from starburst_assurance.rules import RULES

ROOT = Path(__file__).parents[2]

NOT_HERE = {
    "S32": "scanning is asserted; the row's API is older",
    "S40": "links, in the README",
    "G9": "no database",
    "G11": "an add-on",
    "G17": "none of these services",
    "G18": "a claim to refute, not a control",
}
"""Rows of the core that no control has to carry, and why."""

CORE = [
    *(f"S{number}" for number in range(1, 35)),
    *(f"G{number}" for number in range(1, 19)),
    *("P5", "P10", "P13", "P18"),
]

every_control = pytest.mark.parametrize("control", CONTROLS, ids=lambda each: each.name)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings get."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", each.lower()).replace(" ", "-") for each in found}


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_control_is_there_once() -> None:
    assert max(Counter(each.name for each in CONTROLS).values()) == 1
    assert max(Counter(each.title for each in CONTROLS).values()) == 1


@every_control
def test_a_control_is_checked_or_yours(control: Control) -> None:
    checked = (control.nag, control.guard, control.rules, control.theorems, control.tests)
    assert any(checked) or control.yours


@every_control
def test_what_a_control_names_exists(control: Control) -> None:
    packs = (*PACK_FRAMEWORKS, "AwsSolutions")
    nag = {entry.rule for pack in packs for entry in nag_catalogue(pack)}
    for name in control.nag:
        assert set(nag_rules(name)) & nag, name
    assert set(control.guard) <= {entry.rule for entry in guard_catalogue()}
    assert set(control.rules) <= {"undeclared-wildcard", *(rule.name for rule in RULES)}
    assert set(control.theorems) <= {theorem.name for theorem in THEOREMS}
    for name in control.tests:
        file, _, test = name.partition("::")
        assert test in functions(ROOT / file), name
    for name in control.yours:
        page, _, anchor = name.partition("#")
        assert anchor in anchors(ROOT / "docs" / page), name


def test_every_requirement_of_the_core_is_promised_by_a_control() -> None:
    promised = {row for control in CONTROLS for row in control.rows}
    assert [row for row in CORE if row not in promised and row not in NOT_HERE] == []


def test_the_packs_own_ids_are_read_from_the_packs() -> None:
    control = next(each for each in CONTROLS if each.name == "tls-only")
    by_id = {(each.framework, each.name): each.by for each in references(control)}
    assert by_id[Framework.FSBP, "S3.5"] == ("table",)
    assert by_id[Framework.HIPAA, "164.312(e)(1)"] == ("cdk-nag",)
    assert by_id[Framework.PCI, "4.1"] == ("cdk-nag", "Control Tower")


def test_every_pack_that_maps_controls_says_which_for_every_rule() -> None:
    for pack in PACK_FRAMEWORKS:
        entries = nag_catalogue(pack)
        assert entries
        assert [entry.rule for entry in entries if not entry.controls] == []


def test_ids_that_one_list_names_only_are_marked() -> None:
    marked = {
        each.name for control in CONTROLS for each in references(control) if not each.verified
    }
    assert marked == UNVERIFIED


def test_the_checklist_has_the_guides_18_items_and_each_is_answered() -> None:
    assert [item.number for item in CHECKLIST] == list(range(1, 19))
    names = {control.name for control in CONTROLS}
    for item in CHECKLIST:
        assert item.controls
        assert set(item.controls) <= names


def test_the_pages_are_in_step(tmp_path: Path) -> None:
    main(tmp_path)
    for name in ("controls.md", "checklist.md"):
        written = (ROOT / "docs" / name).read_text()
        assert written == (tmp_path / name).read_text(), "run: python -m deploy.tools.controls"


def test_the_checklist_leads_to_sections_that_exist() -> None:
    linked = set(re.findall(r"\(controls\.md#([^)]+)\)", checklist_page()))
    made = {
        re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^### (.+)$", controls_page(), re.MULTILINE)
    }
    assert linked
    assert linked <= made

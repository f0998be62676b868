"""The page for readers: one HTML file that asks nothing of a network."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment as Engine
from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from deploy.evidence.duties import anchor, duties, inline
from deploy.evidence.egress import ways_out
from deploy.evidence.facts import REPRODUCIBLE, sha256
from deploy.evidence.gather import Evidence
from deploy.evidence.left_out import FEW, left_out
from deploy.evidence.matrix import Check, Row, Status
from deploy.evidence.testing import named_tests
from starburst.untrusted.terminal_text import many_lines
from starburst_assurance.controls import CHECKLIST, Framework
from starburst_assurance.gate.outcomes import Outcome
from starburst_assurance.proofs.theorems import ALL as THEOREMS
from starburst_assurance.rules import Verdict

__all__ = ["engine", "page"]

_HERE: Final = Path(__file__).parent
_NAMES: Final = {
    "cdk-nag": ("rule of cdk-nag", "rules of cdk-nag"),
    "Control Tower": ("rule of Control Tower", "rules of Control Tower"),
    "our rule": ("rule of ours", "rules of ours"),
    "theorem": ("theorem", "theorems"),
    "test": ("test", "tests"),
}
_JOINT: Final = re.compile(r"(/|_|::|(?<=[a-z0-9])\.(?=[A-Za-z])|(?<=[a-z0-9])(?=[A-Z]))")
_NO_IMAGE: Final = "0" * 64
_MARKS: Final = {
    Status.FAILED: ("failed", "✕"),
    Status.WAIVED: ("waived", "◐"),
    Status.PASSED: ("passed", "✓"),
    Status.NOT_RUN: ("notrun", "·"),
    Status.YOURS: ("yours", "→"),
    Status.NOT_APPLICABLE: ("na", "○"),
}


def page(evidence: Evidence, rows: Sequence[Row], *, files: Sequence[str]) -> str:
    """Return the page.

    Args:
        evidence: what was found.
        rows: the same, control by control.
        files: of the folder, to link to.
    """
    counted = Counter(row.status for row in rows)
    by_name = {row.control.name: row for row in rows}
    return (
        engine()
        .get_template("page.html.j2")
        .render(
            css=Markup((_HERE / "page.css").read_text()),  # noqa: S704 - our own file
            js=Markup((_HERE / "page.js").read_text()),  # noqa: S704 - our own file
            e=evidence,
            rows=rows,
            areas=[
                (area, list(found)) for area, found in groupby(rows, lambda row: row.control.area)
            ],
            counted={status: counted[status] for status in Status if counted[status]},
            statuses=list(Status),
            frameworks=list(Framework),
            mark=lambda status: _MARKS[status],
            groups=_groups,
            kinds=_kinds,
            counted_kind=lambda kind, number: f"{number} {_NAMES[kind][number != 1]}",
            section=lambda page: page.partition("#")[2].replace("-", " "),
            anchor=anchor,
            duties=duties(row.control for row in rows),
            by_framework=_frameworks(rows),
            without_image=any(image.endswith(_NO_IMAGE) for image in evidence.images.values()),
            few=FEW,
            passed_partly=sum(row.status is Status.PASSED and row.partly for row in rows),
            left_out=left_out(evidence, rows),
            ways_out=ways_out(evidence.environment),
            open_risks=[each for each in evidence.risks if not each.accepted],
            checklist=[(item, [by_name[name] for name in item.controls]) for item in CHECKLIST],
            waivers=sorted(evidence.waivers, key=lambda each: (each.expires, each.rules)),
            days=lambda day: (day - evidence.time.date()).days,
            theorems=[
                (group, list(found))
                for group, found in groupby(evidence.verdicts, lambda each: each.theorem.group)
            ],
            timed=REPRODUCIBLE not in os.environ,
            rules=_rules(evidence.outcomes),
            judged=_numbers(evidence, rows),
            types=sorted(Counter(each.kind for each in evidence.template.all_of()).items()),
            hashes=_hashes(evidence.templates),
            no_image=lambda image: image.endswith(_NO_IMAGE),
            files=files,
        )
    )


def engine() -> Engine:
    """Return what fills the page: what it is given is escaped, and cleaned as for a terminal."""
    made = Engine(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = _breakable
    made.filters["inline"] = inline
    return made


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup) or not isinstance(value, str) else many_lines(value)


def _breakable(name: str) -> Markup:
    """Let a long name break where its words end, and nowhere else."""
    return Markup(_JOINT.sub(r"\1<wbr>", str(escape(many_lines(name)))))  # noqa: S704 - escaped


def _groups(row: Row) -> list[tuple[Framework, list[Any]]]:
    """Return a row's ids by framework."""
    return [
        (framework, list(found))
        for framework, found in groupby(row.references, lambda each: each.framework)
    ]


def _frameworks(rows: Sequence[Row]) -> list[tuple[Framework, int, Mapping[Status, int]]]:
    """Return each framework, how many ids of it are answered, and what came of their controls."""
    found: dict[Framework, tuple[set[str], Counter[Status]]] = {}
    for row in rows:
        for framework, ids in _groups(row):
            names, results = found.setdefault(framework, (set(), Counter()))
            names.update(each.name for each in ids)
            results[row.status] += 1
    return [
        (framework, len(found[framework][0]), found[framework][1])
        for framework in Framework
        if framework in found
    ]


def _kinds(row: Row) -> list[tuple[str, list[Check]]]:
    """Return a row's checks by what checks."""
    return [(kind, list(found)) for kind, found in groupby(row.checks, lambda each: each.kind)]


def _rules(outcomes: Sequence[Outcome]) -> list[tuple[str, str, int, int, int]]:
    """Return judge, rule, and at how many resources it holds, is handed over, is broken."""
    counted: dict[tuple[str, str], list[set[str]]] = {}
    for each in outcomes:
        held, handed, broken = counted.setdefault((each.judge, each.rule), [set(), set(), set()])
        if each.verdict is Verdict.COMPLIANT:
            held.add(each.path)
        elif each.judged:
            handed.add(each.path)
        else:
            broken.add(each.path)
    return [
        (judge, rule, len(held - broken - handed), len(handed - broken), len(broken))
        for (judge, rule), (held, handed, broken) in sorted(counted.items())
    ]


def _numbers(evidence: Evidence, rows: Sequence[Row]) -> Mapping[str, int]:
    checks = (check for row in rows for check in row.checks)
    missing = {each.name for each in checks if each.status is Status.NOT_RUN}
    answers = Counter(verdict.answer for verdict in evidence.verdicts)
    asked = {verdict.theorem.name for verdict in evidence.verdicts}
    return {
        "rules": len({each.rule for each in evidence.outcomes}),
        "judgments": len({(each.rule, each.path) for each in evidence.outcomes}),
        "resources": len(evidence.template.resources),
        "refused": len(evidence.refused),
        "proved": answers["proved"],
        "left_out": answers["left out"] + len({each.name for each in THEOREMS} - asked),
        "not_proved": len(evidence.verdicts) - answers["proved"] - answers["left out"],
        "tests": sum(each.holds for each in evidence.tests.values()),
        "cases": sum(each.passed for each in evidence.tests.values()),
        "tests_missing": len(missing & {*named_tests(row.control for row in rows)}),
        "tests_skipped": sum(each.skipped > 0 for each in evidence.tests.values()),
        "tests_failed": sum(each.failed > 0 for each in evidence.tests.values()),
    }


def _hashes(templates: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, sha256(text.encode())) for name, text in sorted(templates.items())]

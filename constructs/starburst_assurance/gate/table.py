"""The findings of a synthesis as one table: control, resource, what is wrong, how to fix it.

What is no finding and still should be read, a warning, is one sentence.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

__all__ = ["OpenFinding", "open_findings", "requests", "table", "warnings"]

_HEADINGS: Final = ("Control", "Resource", "What is wrong", "How to fix it")
_WIDTHS: Final = (30, 32, 38, 38)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class OpenFinding:
    """One finding without a waiver.

    Attributes:
        resource: construct path.
        rule: its id, and the controls that it answers.
        wrong: what is wrong.
        fix: what to do about it.
        request: what breaks a theorem, in several lines; empty for any other finding.
    """

    resource: str
    rule: str
    wrong: str
    fix: str
    request: str = ""


def open_findings(assembly: Path) -> list[OpenFinding]:
    """Return every error in the validation report of a synthesis.

    The CDK CLI looks at the report only where a stack is selected, and a bare ``cdk synth`` selects
    none of a stage's; so the app looks by itself. A judge that stopped is an error too: the report
    then holds no finding of it, and the CLI goes on.
    """
    report = assembly / "validation-report.json"
    if not report.exists():
        return []
    judges = json.loads(report.read_text())["pluginReports"]
    stopped = {
        OpenFinding(
            resource="the app",
            rule=str(judge["pluginName"]),
            wrong=str((judge.get("metadata") or {}).get("error", "it did not finish")),
            fix="Let it run to its end: what it did not judge must not be deployed.",
        )
        for judge in judges
        if judge.get("conclusion") != "success" and not judge["violations"]
    }
    return sorted(
        stopped
        | {
            OpenFinding(
                resource=construct.get("constructPath") or "the app",
                rule=_rule(found),
                wrong=" ".join(found["description"].split()),
                fix=" ".join((found.get("suggestedFix") or "").split()),
                request=(found.get("ruleMetadata") or {}).get("Request", ""),
            )
            for judge in judges
            for found in judge["violations"]
            if found.get("severity") in ("error", "fatal")
            for construct in found["violatingConstructs"]
        }
    )


def warnings(assembly: Path) -> list[str]:
    """Return each warning in the validation report of a synthesis, but those acknowledged."""
    report = assembly / "validation-report.json"
    if not report.exists():
        return []
    return [
        " ".join(found["description"].split())
        for judge in json.loads(report.read_text())["pluginReports"]
        for found in judge["violations"]
        if found.get("severity") == "warning"
    ]


def _rule(found: dict[str, dict[str, str]]) -> str:
    controls = (found.get("ruleMetadata") or {}).get("Controls", "")
    return f"{found['ruleName']} ({controls})" if controls else str(found["ruleName"])


def table(found: Sequence[OpenFinding]) -> str:
    """Return the findings as text, wrapped in columns.

    Example:
        >>> one = OpenFinding(resource="dev/Q", rule="SQS3", wrong="no DLQ", fix="add one")
        >>> table([one]).splitlines()[-1].split("  ")[0]
        'SQS3'
    """
    lines = [_columns(_HEADINGS), "  ".join("-" * width for width in _WIDTHS)]
    lines += [_columns((each.rule, each.resource, each.wrong, each.fix)) for each in found]
    return "\n".join(lines)


def requests(found: Sequence[OpenFinding]) -> str:
    """Return, for each theorem that some request breaks, that request; empty where none is."""
    return "".join(
        f"\n{each.rule} of {each.resource} is broken by this request:\n"
        f"{textwrap.indent(each.request, '  ')}\n"
        for each in found
        if each.request
    )


def _columns(texts: Sequence[str]) -> str:
    cells = [
        textwrap.wrap(text, width, break_on_hyphens=False)
        for text, width in zip(texts, _WIDTHS, strict=True)
    ]
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(line, _WIDTHS, strict=True)).rstrip()
        for line in zip_longest(*cells, fillvalue="")
    )

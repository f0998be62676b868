"""What the report of a synthesis holds comes to findings: also of a judge that said nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from starburst_assurance.gate.table import open_findings, warnings


def violation(severity: str, *paths: str) -> dict[str, Any]:
    return {
        "ruleName": f"a-{severity}",
        "description": "it  is\nopen",
        "suggestedFix": "shut it",
        "severity": severity,
        "violatingConstructs": [{"constructPath": path} for path in paths],
    }


def judge(name: str, conclusion: str | None, *violations: Any, **more: Any) -> dict[str, Any]:
    said = {"conclusion": conclusion} if conclusion else {}
    return {"pluginName": name, "violations": list(violations), **said, **more}


def reported(folder: Path, *judges: dict[str, Any]) -> Path:
    (folder / "validation-report.json").write_text(json.dumps({"pluginReports": judges}))
    return folder


def test_errors_are_findings_at_each_construct_and_warnings_are_none(tmp_path: Path) -> None:
    errors = (violation("error", "dev/one", "dev/two"), violation("fatal", "dev/three"))
    told = judge("ours", "failure", *errors, violation("warning", "dev/four"))
    report = reported(tmp_path, judge("first", "success"), told)
    found = {(each.resource, each.rule, each.wrong, each.fix) for each in open_findings(report)}
    assert found == {
        ("dev/one", "a-error", "it is open", "shut it"),
        ("dev/two", "a-error", "it is open", "shut it"),
        ("dev/three", "a-fatal", "it is open", "shut it"),
    }
    assert warnings(report) == ["it is open"]


@pytest.mark.parametrize("conclusion", ["failure", "error", None])
@pytest.mark.parametrize("metadata", [{"error": "out of memory"}, None])
def test_a_judge_that_stopped_is_an_error_beside_others_that_did_not(
    tmp_path: Path, conclusion: str | None, metadata: dict[str, str] | None
) -> None:
    stopped = judge("stopped", conclusion, metadata=metadata)
    report = reported(tmp_path, judge("first", "success"), stopped, judge("last", "success"))
    [found] = open_findings(report)
    assert (found.resource, found.rule) == ("the app", "stopped")
    assert found.wrong == ("out of memory" if metadata else "it did not finish")


def test_all_that_is_well_is_nothing(tmp_path: Path) -> None:
    assert open_findings(tmp_path) == []
    assert open_findings(reported(tmp_path, judge("first", "success"))) == []

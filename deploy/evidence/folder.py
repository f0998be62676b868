"""Write the evidence down: page, reports, templates, bills of materials, and hashes of it all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploy.evidence.egress import ways_out
from deploy.evidence.facts import REPRODUCIBLE, SUMS, sums
from deploy.evidence.gather import Evidence
from deploy.evidence.left_out import left_out
from deploy.evidence.matrix import Row, matrix
from deploy.evidence.page import page
from deploy.evidence.sbom import SBOMS, sbom
from deploy.tools.cdk import ROOT
from stacks.addons.enabled import enabled
from starburst_assurance.proofs.solving.prove import Verdict
from starburst_assurance.waivers import Waiver

__all__ = ["write"]


def write(evidence: Evidence, folder: Path) -> None:
    """Write everything into a new folder.

    Args:
        evidence: what was found.
        folder: must not exist yet.
    """
    folder.mkdir(parents=True)
    rows = matrix(evidence)
    for name, text in evidence.templates.items():
        _put(folder / "templates" / name, text)
    for name, report in evidence.reports.items():
        _put(folder / "reports" / name, _json(report))
    _put(folder / "reports" / "theorems.json", _json(_theorem_log(evidence)))
    _put(folder / "reports" / "tests.json", _json(_tests(evidence)))
    _put(folder / "controls.json", _json([_row(row) for row in rows]))
    _put(folder / "waivers.json", _json([_waiver(each, evidence) for each in evidence.waivers]))
    _put(
        folder / "wildcards.json",
        _json(
            [
                {
                    "policy": each.policy,
                    "resource": each.resource,
                    "actions": list(each.actions),
                    "reason": each.reason,
                }
                for each in evidence.wildcards
            ]
        ),
    )
    _put(folder / "risks.json", _json([asdict(each) for each in evidence.risks]))
    ways = ways_out(evidence.environment)
    _put(folder / "egress.json", _json([asdict(each) for each in ways]))
    _put(
        folder / "left-out.json",
        _json(
            [
                {"what": each.what[1], "why": each.why, "names": list(each.names)}
                for each in left_out(evidence, rows)
            ]
        ),
    )
    for name in SBOMS:
        _put(folder / "sbom" / name, _json(sbom(name, time=evidence.time)))
    # The CDK CLI comes from npm; its lock names every package with a hash.
    _put(folder / "sbom" / "cli.package-lock.json", (ROOT / "package-lock.json").read_text())
    _put(folder / "facts.json", _json(_facts(evidence)))
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    listed = [file.relative_to(folder).as_posix() for file in files]
    _put(folder / "index.html", page(evidence, rows, files=[*listed, SUMS]))
    _put(folder / SUMS, sums([*files, folder / "index.html"], below=folder))


def _theorem_log(evidence: Evidence) -> list[dict[str, Any]]:
    """Return what became of each theorem; seconds where the time is not stated from outside."""
    return [_verdict(each) for each in evidence.verdicts]


def _verdict(verdict: Verdict) -> dict[str, Any]:
    log: dict[str, Any] = {
        "name": verdict.theorem.name,
        "group": verdict.theorem.group,
        "sentence": verdict.theorem.sentence,
        "answer": verdict.answer,
        "claims": verdict.claims,
        # A claim whose premises nothing meets is answered "vacuous" instead.
        "premises": "satisfiable" if verdict.answer == "proved" else "not shown",
    }
    if REPRODUCIBLE not in os.environ:
        log["seconds"] = round(verdict.seconds, 3)
    if verdict.why or verdict.counterexample:
        log["why"] = str(verdict.counterexample or verdict.why)
    return log


def _tests(evidence: Evidence) -> dict[str, dict[str, int]]:
    return {
        name: {"passed": each.passed, "failed": each.failed, "skipped": each.skipped}
        for name, each in sorted(evidence.tests.items())
    }


def _waiver(waiver: Waiver, evidence: Evidence) -> dict[str, Any]:
    return {
        "rules": list(waiver.rules),
        "resources": list(waiver.resources),
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
        "days_left": (waiver.expires - evidence.time.date()).days,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "control": row.control.name,
        "title": row.control.title,
        "area": row.control.area.value,
        "requirements": list(row.control.rows),
        "ids": [
            {
                "framework": each.framework.value,
                "id": each.name,
                "by": list(each.by),
                "verified": each.verified,
            }
            for each in row.references
        ],
        "resources": [
            {
                "path": each.path,
                "type": each.kind,
                "logical_id": each.logical_id,
                "template": each.file,
            }
            for each in row.places
        ],
        "checks": [
            {
                "by": each.kind,
                "name": each.name,
                "result": each.status.value,
                "detail": each.detail,
            }
            for each in row.checks
        ],
        "result": row.status.value,
        "waived_until": row.until.isoformat() if row.until else None,
    }


def _facts(evidence: Evidence) -> dict[str, Any]:
    return {
        "environment": evidence.environment.name,
        "account": evidence.environment.account,
        "region": evidence.environment.region,
        "purpose": evidence.environment.purpose,
        "data_class": evidence.environment.data_class,
        "packs": list(evidence.environment.packs),
        "addons": [addon.name for addon in enabled(evidence.environment)],
        "time": evidence.time.isoformat(),
        "commit": evidence.commit.name,
        "files_that_differ_from_the_commit": list(evidence.commit.changed),
        "tools": dict(evidence.tools),
        "images": dict(evidence.images),
        "templates_sha256": evidence.templates_sha256,
    }


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"

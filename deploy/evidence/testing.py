"""Run the tests that controls name, in a process of their own, and read what became of them."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.tools.cdk import ROOT
from starburst_assurance.controls import Control

__all__ = [
    "CaseCount",
    "RunError",
    "Running",
    "check_tests",
    "finish_tests",
    "named_tests",
    "start_tests",
]

_FINISHED = (0, 1)
"""What pytest exits with when every test ran, whatever became of it."""


class RunError(RuntimeError):
    """The tests that controls name did not run to their end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseCount:
    """What became of one test, over all its cases.

    Attributes:
        passed, failed, skipped: numbers of cases.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def holds(self) -> bool:
        """Whether every case that ran passed, and one did."""
        return self.passed > 0 and not self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A test run that has begun."""

    process: subprocess.Popen[bytes]
    report: Path
    output: Path
    names: Sequence[str]


def named_tests(controls: Iterable[Control]) -> list[str]:
    """Return each test that a control names, once, in order."""
    return sorted({name for control in controls for name in control.tests})


def start_tests(controls: Iterable[Control], folder: Path) -> Running:
    """Begin to run what the controls name; it goes on beside the caller."""
    folder.mkdir(parents=True, exist_ok=True)
    report, output = folder / "junit.xml", folder / "output.txt"
    names = named_tests(controls)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_", "PYTEST_"))
    }
    options = ("-q", "-n0", "-p", "no:randomly", "-p", "no:cacheprovider", f"--junitxml={report}")
    with output.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own tests
            [sys.executable, "-m", "pytest", *options, *names],
            cwd=ROOT,
            env={**kept, "AWS_EC2_METADATA_DISABLED": "true"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Running(process=process, report=report, output=output, names=names)


def check_tests(running: Running) -> None:
    """Raise RunError where pytest has stopped already: nobody should wait to hear of it."""
    if running.process.poll() not in (None, *_FINISHED):
        raise RunError(f"pytest stopped:\n{running.output.read_text()[-2000:]}")


def finish_tests(running: Running) -> Mapping[str, CaseCount]:
    """Wait for the run and return what became of each test.

    Raises:
        RunError: pytest stopped, as it does where a test is not found.
    """
    running.process.wait()
    check_tests(running)
    counted: dict[str, dict[str, int]] = {}
    for case in ET.parse(running.report).iter("testcase"):  # noqa: S314 - pytest wrote it just now
        path = case.get("classname", "").replace(".", "/") + ".py"
        name = f"{path}::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case}
        end = "skipped" if "skipped" in kinds else "passed"
        end = "failed" if kinds & {"failure", "error"} else end
        ends = counted.setdefault(name, {})
        ends[end] = ends.get(end, 0) + 1
    return {name: CaseCount(**counted[name]) for name in running.names if name in counted}

"""Run a buildspec here as CodeBuild runs it: phases in order, one shell, then its reports.

CodeBuild runs all commands of a build in one shell, ends a phase at the first that fails, goes on
to ``post_build`` all the same where it was ``build`` that failed, and reads the reports at last
(https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html). Runtime versions are
left out: they choose among what AWS's image has.
"""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from starburst.errors import ConfigurationError

__all__ = ["PHASES", "BuildspecError", "Ran", "Report", "commands", "read_buildspec", "run"]

PHASES: Final = ("install", "pre_build", "build", "post_build")

_FORMATS: Final = {"JUNITXML": ("testsuites", "testsuite"), "COBERTURAXML": ("coverage",)}
"""What CodeBuild reads, of what we write, and how such a file begins."""


class BuildspecError(ConfigurationError):
    """CodeBuild would not take the buildspec; nothing was run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A report that a build leaves.

    Attributes:
        name: as the buildspec calls it.
        file: where it is.
        wrong: why CodeBuild could not read it; empty where it could.
    """

    name: str
    file: Path
    wrong: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What became of a build.

    Attributes:
        failed: the phase that failed; None where none did.
        output: all that its commands said.
        reports: those that the buildspec promises.
    """

    failed: str | None
    output: str
    reports: tuple[Report, ...] = field(default_factory=tuple)

    @property
    def succeeded(self) -> bool:
        """Whether every command ended well and every report can be read."""
        return self.failed is None and not any(one.wrong for one in self.reports)


def read_buildspec(path: Path) -> Mapping[str, Any]:
    """Return a buildspec.

    Raises:
        BuildspecError: it is none of version 0.2, or has a phase that CodeBuild does not know.
    """
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(read, dict) or read.get("version") != 0.2:  # noqa: PLR2004 - YAML's number
        raise BuildspecError(f"{path.name} is no buildspec of version 0.2, so CodeBuild refuses it")
    unknown = set(read.get("phases", {})) - set(PHASES)
    if unknown or not read.get("phases"):
        raise BuildspecError(f"{path.name} has phases {sorted(unknown)} that CodeBuild lacks")
    for name, report in read.get("reports", {}).items():
        if report.get("file-format") not in _FORMATS:
            raise BuildspecError(f"{path.name}: report {name} is of no format that is read here")
    return read


def commands(buildspec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each command behind its phase, in the order in which they run."""
    for phase in PHASES:
        for command in buildspec["phases"].get(phase, {}).get("commands", ()):
            yield phase, command


def run(
    path: Path,
    *,
    at: Path,
    variables: Mapping[str, str],
    without: Sequence[str] = (),
    seconds: float = 3600,
) -> Ran:
    """Run a buildspec in a checkout.

    Args:
        path: of the buildspec.
        at: the checkout.
        variables: that CodeBuild and the project set; all else is this process's.
        without: commands that are left out, by how they begin.
        seconds: after which the build is stopped, as the project's time-out does.

    Raises:
        BuildspecError: as `read_buildspec` raises it.
    """
    buildspec = read_buildspec(path)
    lines = ["failed="]
    for phase, command in commands(buildspec):
        if command.startswith(tuple(without)):
            continue
        go_on = '[ -z "$failed" ]'
        if phase == "post_build":
            go_on += ' || [ "$failed" = build ]'
        lines.append(f"if {go_on}; then\n{command}\n[ $? -eq 0 ] || failed={phase}\nfi")
    lines.append('[ -z "$failed" ] || { echo "phase failed: $failed"; exit 1; }')
    environment = {
        **os.environ,
        # Those of a project or of who starts the build come before the buildspec's.
        **{name: str(one) for name, one in buildspec.get("env", {}).get("variables", {}).items()},
        "CODEBUILD_SRC_DIR": str(at),
        "CODEBUILD_BUILD_ARN": "arn:aws:codebuild:here:000000000000:build/here",
        **variables,
    }
    try:
        done = subprocess.run(  # noqa: S603 - the buildspec of this repository
            ["/bin/bash", "-c", "\n".join(lines)],
            cwd=at,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else ""
        return Ran(failed=f"stopped after {seconds:g} seconds", output=said)
    failed = None
    if done.returncode:
        failed = done.stdout.rpartition("phase failed: ")[2].strip() or "shell"
    return Ran(failed=failed, output=done.stdout, reports=tuple(_reports(buildspec, at)))


def _reports(buildspec: Mapping[str, Any], at: Path) -> Iterator[Report]:
    for name, report in buildspec.get("reports", {}).items():
        for file in report["files"]:
            path = at / report.get("base-directory", ".") / file
            yield Report(name=name, file=path, wrong=_wrong(path, report["file-format"]))


def _wrong(path: Path, form: str) -> str:
    if not path.is_file():
        return "no command wrote it"
    try:
        found = ET.parse(path).getroot().tag  # noqa: S314 - written by our own commands
    except ET.ParseError as error:
        return f"it is no XML: {error}"
    return "" if found in _FORMATS[form] else f"it begins with {found}, which is not {form}"

"""What was judged, by which versions, when."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from deploy.tools.cdk import ROOT
from starburst_assurance.templates.template import Template

__all__ = ["REPRODUCIBLE", "SUMS", "Commit", "commit", "images", "now", "sha256", "sums", "tools"]

REPRODUCIBLE: Final = "SOURCE_DATE_EPOCH"
"""The variable that states the time; durations, which differ each time, are then left out."""

SUMS: Final = "SHA256SUMS"
"""The file that lists the hash of every other."""

_TOOLS: Final = (
    "aws-cdk-lib",
    "cdk-nag",
    "cdklabs-cdk-validator-cfnguard",
    "cfn-lint",
    "cvc5",
    "policy-sentry",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """The state of the repository.

    Attributes:
        name: its hash; ``unknown`` outside a repository.
        changed: files that differ from it; those that git does not know count too.
    """

    name: str
    changed: tuple[str, ...]


def now() -> datetime:
    """Return the time to state: that of ``SOURCE_DATE_EPOCH`` where it is set."""
    stated = os.environ.get(REPRODUCIBLE)
    moment = datetime.fromtimestamp(int(stated), UTC) if stated else datetime.now(UTC)
    return moment.replace(microsecond=0)


def commit() -> Commit:
    """Return which commit is checked out, and what differs from it."""
    head = _git("rev-parse", "HEAD").strip()
    status = _git("status", "--porcelain", "--untracked-files=normal") if head else ""
    return Commit(
        name=head or "unknown",
        changed=tuple(line[3:] for line in status.splitlines()),
    )


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - git, in our own repository
            ["git", *arguments],  # noqa: S607 - as installed
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def tools() -> Mapping[str, str]:
    """Return the versions of what judged."""
    return {name: version(name) for name in _TOOLS}


def images(template: Template) -> Mapping[str, str]:
    """Return the digest that each task definition pins; zeros say that there is no image yet."""
    return {
        each.path: template.text(container["Image"]).rpartition("@")[2]
        for each in template.all_of("AWS::ECS::TaskDefinition")
        for container in each.properties["ContainerDefinitions"]
    }


def sha256(content: bytes) -> str:
    """Return a hash as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sums(files: Sequence[Path], *, below: Path) -> str:
    """Return the text of ``SUMS`` for files, as sha256sum checks it."""
    return "".join(
        f"{sha256(file.read_bytes())}  {file.relative_to(below).as_posix()}\n"
        for file in sorted(files)
    )

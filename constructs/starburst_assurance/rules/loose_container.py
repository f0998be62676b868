"""Forbids a container with more rights than a worker needs (P18)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["LOOSE_CONTAINER"]

_NUMERIC: Final = re.compile(r"[1-9]\d*(:[1-9]\d*)?")
"""A name depends on what the image's passwd says; a number other than 0 is nobody special."""


def _judge(resource: Resource, template: Template) -> Iterator[str]:
    del template
    for container in resource.properties.get("ContainerDefinitions", ()):
        for problem in _problems(container):
            yield f"container {container.get('Name')} {problem}"


def _problems(container: Mapping[str, Any]) -> Iterator[str]:
    linux = container.get("LinuxParameters", {})
    capabilities = linux.get("Capabilities", {})
    if capabilities.get("Drop") != ["ALL"] or capabilities.get("Add"):
        yield "keeps Linux capabilities"
    if linux.get("InitProcessEnabled") is not True:
        yield "has no init process, so that dead children stay and signals get lost"
    if not _NUMERIC.fullmatch(str(container.get("User", ""))):
        yield "does not run as a numeric user other than root"
    if container.get("ReadonlyRootFilesystem") is not True:
        yield "can write to its root file system"
    if container.get("Privileged", False) is not False:
        yield "is privileged"


LOOSE_CONTAINER: Final = Rule(
    name="loose-container",
    controls=("FSBP ECS.4", "FSBP ECS.5", "FSBP ECS.20", "NIST AC-6", "NIST CM-7"),
    kinds=("AWS::ECS::TaskDefinition",),
    fix=(
        "Drop ALL capabilities, set initProcessEnabled and readonlyRootFilesystem, and name a "
        "numeric user such as 10001."
    ),
    judge=_judge,
)

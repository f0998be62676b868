"""Forbids code that a tag names: what was reviewed and what runs would part (S33)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["UNPINNED_IMAGE"]

_PINNED: Final = re.compile(r".+@sha256:[0-9a-f]{64}")


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    if resource.kind == "AWS::Lambda::Function":
        code = resource.properties.get("Code", {})
        if "ImageUri" not in code:
            return None
        images = {"the function": code["ImageUri"]}
    else:
        images = {
            f"container {container.get('Name')}": container.get("Image")
            for container in resource.properties.get("ContainerDefinitions", ())
        }
    return (
        f"{who} runs {template.text(image)}, which is no digest"
        for who, image in images.items()
        if not _PINNED.fullmatch(template.text(image))
    )


UNPINNED_IMAGE: Final = Rule(
    name="unpinned-image",
    controls=("FSBP ECR.2", "NIST SI-7", "NIST CM-14"),
    kinds=("AWS::ECS::TaskDefinition", "AWS::Lambda::Function"),
    fix="Write the image as <repository>@sha256:<64 hexadecimal digits>.",
    judge=_judge,
)

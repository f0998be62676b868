"""Keep a container's Linux parameters and secrets, and a task's volumes, as ECS tells of them.

Stock keeps them in CloudFormation's words, which no SDK reads, nor what puts secrets into a task.
"""

from __future__ import annotations

from typing import Any

from .patching import Patch, module
from .resource_types import Properties, after_create

__all__ = ["PATCH"]


def _apply() -> None:
    definitions = module("services.ecs")._task_defs

    def complete(arn: str, _properties: Properties) -> None:
        definition = definitions[arn.rpartition("/")[2]]
        definition["volumes"] = _lowered(definition["volumes"])
        for container in definition["containerDefinitions"]:
            for name in {"linuxParameters", "secrets"} & container.keys():
                container[name] = _lowered(container[name])

    after_create("AWS::ECS::TaskDefinition", complete)


def _lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(each) for name, each in value.items()}
    return value


PATCH = Patch(
    name="container_limits",
    stock="tells LinuxParameters, Secrets and Volumes of a task definition in words no SDK reads",
    apply=_apply,
)

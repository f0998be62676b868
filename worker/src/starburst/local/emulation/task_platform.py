"""Keep a task definition's ``RuntimePlatform`` and ``EphemeralStorage``; stock drops both.

With a platform, stock would also wait a quarter of a second at each start for Docker to fail on a
foreign architecture: no image runs here, so the platform is not passed on.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap
from .resource_types import Properties, after_create

__all__ = ["PATCH"]


def _apply() -> None:
    ecs = module("services.ecs")

    def complete(arn: str, properties: Properties) -> None:
        definition = ecs._task_defs[arn.rpartition("/")[2]]
        platform = properties.get("RuntimePlatform")
        if platform:
            definition["runtimePlatform"] = {
                "cpuArchitecture": platform.get("CpuArchitecture", "X86_64"),
                "operatingSystemFamily": platform.get("OperatingSystemFamily", "LINUX"),
            }
        storage = properties.get("EphemeralStorage")
        if storage:
            definition["ephemeralStorage"] = {"sizeInGiB": int(storage["SizeInGiB"])}

    def without_platform(original: Function) -> Function:
        def build(*args: Any, **kwargs: Any) -> Any:
            options = original(*args, **kwargs)
            options.pop("platform", None)
            return options

        return build

    after_create("AWS::ECS::TaskDefinition", complete)
    wrap(ecs, "_build_run_kwargs", without_platform)


PATCH = Patch(
    name="task_platform",
    stock="drops RuntimePlatform and EphemeralStorage of AWS::ECS::TaskDefinition",
    apply=_apply,
)

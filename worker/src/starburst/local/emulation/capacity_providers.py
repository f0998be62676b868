"""Teach CloudFormation ``AWS::ECS::ClusterCapacityProviderAssociations``.

Stock refuses a template with one, although its API can put capacity providers.
"""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, add_type, call

__all__ = ["PATCH"]


def _apply() -> None:
    ecs = module("services.ecs")

    def put(cluster: str, providers: list[str], strategy: list[dict[str, object]]) -> None:
        # The API's names are the template's with a small first letter.
        small = [{f"{key[:1].lower()}{key[1:]}": item[key] for key in item} for item in strategy]
        request = {
            "cluster": cluster,
            "capacityProviders": providers,
            "defaultCapacityProviderStrategy": small,
        }
        call(ecs._put_cluster_capacity_providers, request)

    def create(
        _logical_id: str, properties: Properties, _stack: str
    ) -> tuple[str, dict[str, str]]:
        cluster = str(properties["Cluster"])
        put(
            cluster,
            properties.get("CapacityProviders", []),
            properties.get("DefaultCapacityProviderStrategy", []),
        )
        return cluster, {}

    def delete(physical_id: str, _properties: Properties) -> None:
        if ecs._resolve_cluster_name(physical_id) in ecs._clusters:
            put(physical_id, [], [])

    add_type("AWS::ECS::ClusterCapacityProviderAssociations", create=create, delete=delete)


PATCH = Patch(
    name="capacity_providers",
    stock="refuses AWS::ECS::ClusterCapacityProviderAssociations",
    apply=_apply,
)

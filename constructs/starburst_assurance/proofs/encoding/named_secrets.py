"""Which secrets settings name, as theorems speak of them: apart from all policies."""

from __future__ import annotations

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_constructs.named_secrets import NamedSecret

__all__ = ["is_any_secret", "is_named_secret", "secrets_of"]

READING = "secretsmanager:GetSecretValue"


def secrets_of(world: World, role: Role) -> tuple[NamedSecret, ...]:
    """Return what workers of a launch role's workspace start with; nothing for every other role."""
    if role.purpose != "launch":
        return ()
    return tuple(world.policy_set.secrets.get(str(role.workspace), ()))


def is_named_secret(world: World, role: Role, request: Request) -> Formula:
    """Return whether a request reads a secret that the role's settings name, or opens it."""
    return world.logic.some(_one(world, one, request) for one in secrets_of(world, role))


def is_any_secret(world: World, request: Request) -> Formula:
    """Return whether a request reads a secret that some workspace names."""
    named = {one.arn for known in world.policy_set.secrets.values() for one in known}
    if request.action != READING:
        return False
    return world.logic.some(world.logic.same(request.resource, arn) for arn in sorted(named))


def _one(world: World, named: NamedSecret, request: Request) -> Formula:
    logic, context = world.logic, request.context
    if request.action == READING:
        return logic.same(request.resource, named.arn)
    if request.action == "kms:Decrypt" and named.key_arn:
        manager = f"secretsmanager.{world.policy_set.region}.amazonaws.com"
        return logic.every(
            (
                logic.same(request.resource, named.key_arn),
                context.is_("kms:ViaService", manager),
                context.is_("kms:EncryptionContext:SecretARN", named.arn),
            )
        )
    return False

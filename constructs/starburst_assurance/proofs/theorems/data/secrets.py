"""Secrets for analysts' code (P18): each is read by ECS alone, for the workspace that names it."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, requests, session_of
from starburst_assurance.proofs.encoding.named_secrets import is_named_secret, secrets_of
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_assurance.proofs.theorems.availability.calls import Call, calling

GROUP = "Between workspaces"

VALUES = ("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue")


@theorem(GROUP)
def secrets_reach_their_workspace_alone(world: World) -> Iterator[Claim]:
    """ECS reads a workspace's secrets to start its workers; no other role of ours reads any secret.

    No analyst, steward, controller or worker: code on a worker has what it was started with. Of
    Secrets Manager the launch role may do nothing else, and its keys open no other secret. Where
    settings name none, no role has any action on any secret.
    """
    for role in world.policy_set.roles:
        if world.policy_set.owner(role.arn) is not None:
            continue  # what those are for is in the tables of their add-on
        context = session_of(world, role)
        resource = world.logic.text("resource")
        asked = requests(context, actions_on(world, "secretsmanager") or VALUES, resource)
        yield never(
            role.name,
            [
                (
                    one,
                    world.logic.every(
                        (
                            world.allowed(role, one, boundary=False),
                            world.logic.no(is_named_secret(world, role, one)),
                        )
                    ),
                )
                for one in asked
            ],
        )
        if secrets_of(world, role):
            yield from _opened(world, role)


def _opened(world: World, role: Role) -> Iterator[Claim]:
    """Yield that ECS can read what is named, and opens nothing else by its keys."""
    context = session_of(world, role)
    opening = requests(context, actions_on(world, "kms"), world.logic.text("resource"))
    yield never(
        f"{role.name}, other uses of keys",
        [
            (
                one,
                world.logic.every(
                    (
                        world.allowed(role, one, boundary=False),
                        world.logic.no(is_named_secret(world, role, one)),
                    )
                ),
            )
            for one in opening
        ],
    )
    asked: list[Call] = []
    for named in secrets_of(world, role):
        asked.append(("secretsmanager:GetSecretValue", named.arn, {}))
        if named.key_arn:
            said = {
                "aws:ViaAWSService": "true",
                "kms:ViaService": f"secretsmanager.{world.policy_set.region}.amazonaws.com",
                "kms:EncryptionContext:SecretARN": named.arn,
            }
            asked.append(("kms:Decrypt", named.key_arn, said))
    yield always(world, f"{role.name}, what is named", calling(world, role, asked))

"""One claim of many add-ons: a bucket and its key open to named roles, whatever policies say.

No theorem by itself, for who the roles are an add-on says: it states the sentence, and yields this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, requests
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.solving.theorem import Claim, never

__all__ = ["read_by_named_roles", "strangers", "unrefused"]

_OPENING: Final = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom")
_ERASING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")


def read_by_named_roles(
    world: World,
    *,
    bucket: str,
    key: str,
    writer: str,
    readers: Sequence[str],
    through: Sequence[str] = (),
    opening: Sequence[str] = (),
    what: str = "files",
) -> Iterator[Claim]:
    """Claim that nobody but named roles touches an object of a bucket, or opens its key.

    No administrator and no root user: bucket and key refuse it, whatever an identity policy says.
    Where the environment names a break-glass role, that is let in beside them. Where nothing is
    kept, others may delete objects, unread: so it is destroyed.

    Args:
        world: the policies.
        bucket: its logical name, such as ``lake/Bucket``.
        key: the same of the key that encrypts it.
        writer: ARN of the role that writes.
        readers: ARNs of the roles that settings let read.
        through: ARNs of roles of ours by which others read.
        opening: ARNs of roles that use the key for something else, and touch no object.
        what: the objects, as people call them.
    """
    policy_set = world.policy_set
    broken = [policy_set.break_glass] if policy_set.break_glass else []
    context, given = strangers(world, [writer, *readers, *broken, *through])
    objects, opener = policy_set.at(bucket), policy_set.at(key)
    kept = policy_set.deployer is not None
    asked = requests(
        context,
        (*actions_on(world, "s3"), *_ERASING),
        world.logic.join(f"{objects.arn}/", world.logic.text("key")),
    )
    touched = [one for one in asked if kept or one.action not in _ERASING]
    yield never(what, unrefused(world, objects.policy, touched), given=given)
    given += [context.is_not("aws:PrincipalArn", arn) for arn in opening]
    # A service that uses a grant, or asks for itself, names nobody: the Deny is for who signs.
    signed = [*given, context.has("aws:PrincipalArn")]
    opened = requests(context, _OPENING, opener.arn)
    yield never("the key", unrefused(world, opener.policy, opened), given=signed)


def strangers(world: World, known: Sequence[str]) -> tuple[Context, list[Formula]]:
    """Return the context of a caller who is no service, and that it is none of these ARNs."""
    context = world.context()
    context.put("aws:PrincipalIsAWSService", "false")
    return context, [context.is_not("aws:PrincipalArn", arn) for arn in known]


def unrefused(world: World, policy: str, asked: Iterable[Request]) -> list[tuple[Request, Formula]]:
    """Return of each request that a resource's policy by itself does not refuse it."""
    return [(one, world.logic.no(world.refuses(world.policy(policy), one))) for one in asked]

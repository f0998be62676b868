"""Who writes what is known of images, and who lets a finding through: proved of every request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from starburst.contract.image_gate import image_gate_parameter
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, requests, session_of
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem

__all__ = ["THEOREMS"]

GROUP = "Worker images"
_READING: Final = ("s3:GetObject", "s3:GetObjectVersion")
_ERASING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")
_CHANGING: Final = ("s3:PutObject", *_ERASING)
_LISTING: Final = ("s3:ListBucket", "s3:ListBucketVersions")
_WAIVING: Final = ("ssm:DeleteParameter", "ssm:LabelParameterVersion", "ssm:PutParameter")


@theorem(GROUP)
def only_the_gate_writes_what_is_known_of_images(world: World) -> Iterator[Claim]:
    """Nobody but the gate's function writes a word of its record: no administrator, no root user.

    Whatever a caller's policies say: the bucket refuses it. In a test environment others may delete
    it, and so make images unknown, but none clean.
    """
    policy_set, logic = world.policy_set, world.logic
    record = policy_set.at("inspector/Record")
    context = world.context()
    context.put("aws:PrincipalIsAWSService", "false")
    kept = policy_set.deployer is not None
    actions = [
        one
        for one in dict.fromkeys((*actions_on(world, "s3"), *_CHANGING))
        if one not in _READING and (kept or one not in _ERASING)
    ]
    asked = list(requests(context, actions, logic.join(f"{record.arn}/", logic.text("key"))))
    yield never(
        record.arn,
        [(one, logic.no(world.refuses(world.policy(record.policy), one))) for one in asked],
        given=[context.is_not("aws:PrincipalArn", policy_set.role("inspector").arn)],
    )


@theorem(GROUP)
def the_controller_only_reads_what_is_known_of_images(world: World) -> Iterator[Claim]:
    """The controller reads the record and changes nothing of it; no other role even sees it.

    Neither analysts nor workers, nor who enables Inspector, can mark an image as clean.
    """
    logic = world.logic
    record = world.policy_set.at("inspector/Record")
    for role in world.policy_set.roles:
        if role.purpose == "inspector":
            continue
        may = (*_READING, *_LISTING) if role.purpose == "controller" else ()
        actions = dict.fromkeys((*actions_on(world, "s3"), *_CHANGING, *_READING, *_LISTING))
        asked = [one for one in actions if one not in may]
        context = session_of(world, role)
        key = logic.join(f"{record.arn}/", logic.text("key"))
        found = [*requests(context, asked, record.arn), *requests(context, asked, key)]
        yield never(role.name, [(one, world.allowed(role, one, at=record)) for one in found])


@theorem(GROUP)
def only_a_deployment_waives(world: World) -> Iterator[Claim]:
    """No role of ours changes what is waived: settings do, by a deployment that is reviewed."""
    policy_set = world.policy_set
    parameter = (
        f"arn:aws:ssm:{policy_set.region}:{policy_set.account}:"
        f"parameter{image_gate_parameter(policy_set.name)}"
    )
    for role in policy_set.roles:
        actions = dict.fromkeys((*actions_on(world, "ssm"), *_WAIVING))
        changing = [one for one in actions if not one.partition(":")[2].startswith("Get")]
        asked = requests(session_of(world, role), changing, parameter)
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])


THEOREMS: Final[Sequence[Theorem]] = (
    only_the_gate_writes_what_is_known_of_images,
    the_controller_only_reads_what_is_known_of_images,
    only_a_deployment_waives,
)
"""What is proved of an environment that has the add-on."""

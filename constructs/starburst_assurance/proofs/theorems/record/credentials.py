"""What those may do who disable a person's credentials, or rotate a key, and nothing beyond."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.key_layout import data_key, requests
from starburst_assurance.proofs.encoding.vocabulary import representatives
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_constructs.identity.credentials import disabler_document, rotator_document

GROUP = "Evidence and containment"
PATH = "/analysts/"
SWITCHING = (
    "iam:DeleteLoginProfile",
    "iam:GetLoginProfile",
    "iam:ListAccessKeys",
    "iam:ListAttachedUserPolicies",
    "iam:UpdateAccessKey",
)
DENYING = ("iam:AttachUserPolicy", "iam:DetachUserPolicy")
ROTATING = ("kms:GetKeyRotationStatus", "kms:ListKeyRotations", "kms:RotateKeyOnDemand")
GIVING = (
    "iam:AddUserToGroup",
    "iam:AttachRolePolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:PassRole",
    "iam:PutUserPolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:PutKeyPolicy",
    "s3:GetObject",
    "sts:AssumeRole",
)
"""Of all actions in AWS, those by which rights or data could be had."""


@theorem(GROUP)
def disablers_give_nobody_anything(world: World) -> Iterator[Claim]:
    """Who disables credentials touches users below their path alone, and gives nobody a right.

    They make no key and no login, read no data, and attach no policy but AWS's that denies all.
    """
    policy_set, logic = world.policy_set, world.logic
    policy = Policy.parse("disabler", disabler_document(policy_set.account, PATH))
    theirs = f"arn:aws:iam::{policy_set.account}:user{PATH}"
    resource = logic.text("resource")
    context = world.context()
    every = (*representatives([policy]), *GIVING, *SWITCHING, *DENYING)
    known = (*SWITCHING, *DENYING)
    yield never(
        "other actions",
        [
            (one, says(logic, policy, "Allow", one))
            for one in requests(context, every, resource)
            if one.action not in known
        ],
    )
    yield never(
        "other users",
        [(one, says(logic, policy, "Allow", one)) for one in requests(context, known, resource)],
        given=[logic.no(logic.starts(resource, theirs))],
    )
    yield never(
        "other policies",
        [(one, says(logic, policy, "Allow", one)) for one in requests(context, DENYING, resource)],
        given=[context.is_not("iam:PolicyARN", "arn:aws:iam::aws:policy/AWSDenyAll")],
    )
    full = world.context(closed=True)
    full.put("iam:PolicyARN", "arn:aws:iam::aws:policy/AWSDenyAll")
    yield always(
        world,
        "what it is for",
        [
            (one, says(logic, policy, "Allow", one))
            for one in requests(full, known, f"{theirs}alice")
        ],
    )


@theorem(GROUP)
def rotators_open_nothing(world: World) -> Iterator[Claim]:
    """Who rotates the data key may do nothing else with it, and nothing with another key."""
    logic, key = world.logic, data_key(world)
    policy = Policy.parse("rotator", rotator_document([key.arn]))
    resource, context = logic.text("resource"), world.context()
    every = (*representatives([policy]), *GIVING, *ROTATING)
    yield never(
        "other actions",
        [
            (one, says(logic, policy, "Allow", one))
            for one in requests(context, every, resource)
            if one.action not in ROTATING
        ],
    )
    yield never(
        "other keys",
        [(one, says(logic, policy, "Allow", one)) for one in requests(context, ROTATING, resource)],
        given=[logic.no(logic.same(resource, key.arn))],
    )
    yield always(
        world,
        "what it is for",
        [
            (one, says(logic, policy, "Allow", one))
            for one in requests(world.context(closed=True), ROTATING, key.arn)
        ],
    )

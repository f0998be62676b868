"""How old an environment's keys, images and credentials are, as AWS itself says (A27)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import code_of, words_of

from .office import Office

__all__ = ["KIND_DAYS", "Age", "Ages", "ask_ages"]

Kind = Literal["key", "image", "access key", "password"]

KIND_DAYS: Final[dict[Kind, int]] = {"key": 372, "image": 90, "access key": 90, "password": 90}
"""Days after which each kind is due: KMS rotates a key within the year and some days; the guide
asks for the rest every quarter."""

_GONE: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})
_OURS: Final = {"AWS::KMS::Key": "key", "AWS::ECS::TaskDefinition": "task definition"}
_IMAGE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr[a-z-]*\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Age:
    """How old one thing is.

    Attributes:
        kind: ``key``, ``image``, ``access key`` or ``password``.
        name: which one.
        since: when it was made, or its material rotated last; seconds since the epoch.
        days: its age.
        most_days: from which age on it is due.
    """

    kind: Kind
    name: str
    since: float
    days: float
    most_days: int

    @property
    def due(self) -> bool:
        """Whether it is to be rotated, or built anew."""
        return self.days >= self.most_days

    @property
    def days_left(self) -> float:
        """Days until it is due; 0 for what is."""
        return max(0.0, round(self.most_days - self.days, 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ages:
    """What was found.

    Attributes:
        ages: the oldest first, by how near each is to its own bound.
        unread: sentences on what could not be looked at; what they are about is in no age.
    """

    ages: tuple[Age, ...]
    unread: tuple[str, ...]


class _Looking:
    """One look, which goes on where AWS refuses a part of it."""

    def __init__(self, office: Office, *, now: float) -> None:
        self.office, self.now = office, now
        self.ages: list[Age] = []
        self.unread: list[str] = []

    def take(self, what: str, look: Callable[[], Iterator[tuple[Kind, str, datetime]]]) -> None:
        """Note the ages that a look finds, and why it found no more."""
        try:
            for kind, name, since in look():
                moment = since.timestamp()
                days = max(0.0, self.now - moment) / 86_400
                self.ages.append(
                    Age(
                        kind=kind,
                        name=name,
                        since=moment,
                        days=round(days, 2),
                        most_days=KIND_DAYS[kind],
                    )
                )
        except (ClientError, BotoCoreError) as error:
            self.unread.append(f"cannot look at {what}: {words_of(error)}")


def ask_ages(office: Office, *, now: float | None = None) -> Ages:
    """Return the ages; who may not look at a part is told so, and gets the others.

    Args:
        office: who asks; it takes what ``python -m deploy.audit --permission`` prints.
        now: seconds since the epoch.
    """
    now = datetime.now(UTC).timestamp() if now is None else now
    looking = _Looking(office, now=now)
    resources: list[tuple[str, str]] = []
    try:
        resources += _resources(office)
    except (ClientError, BotoCoreError) as error:
        looking.unread.append(
            f"cannot look at the stacks of {office.environment}, so at none of its keys and "
            f"images: {words_of(error)}"
        )
    else:
        if not resources:
            looking.unread.append(
                f"no stack of {office.environment} with a key or a worker is in this account and "
                "region, so there was no key and no image to look at"
            )
    for kind, name in resources:
        if kind == "key":
            looking.take(f"key {name}", lambda name=name: _key(office, name))  # type: ignore[misc]
    for image in _images(looking, [name for kind, name in resources if kind != "key"]):
        looking.take(f"image {image}", lambda image=image: _image(looking, image))  # type: ignore[misc]
    looking.take("the account's IAM users", lambda: _users(office))
    ordered = sorted(looking.ages, key=lambda one: (-one.days / one.most_days, one.kind, one.name))
    return Ages(ages=tuple(ordered), unread=tuple(looking.unread))


def _resources(office: Office) -> Iterator[tuple[str, str]]:
    """Yield the keys and task definitions of the environment's stacks."""
    formation = office.client("cloudformation")
    for page in formation.get_paginator("list_stacks").paginate():
        for stack in page["StackSummaries"]:
            name = stack["StackName"]
            if stack["StackStatus"] == "DELETE_COMPLETE" or not name.startswith(
                f"starburst-{office.environment}-"
            ):
                continue
            pages = formation.get_paginator("list_stack_resources").paginate(StackName=name)
            for each in (one for page in pages for one in page["StackResourceSummaries"]):
                kind = _OURS.get(each["ResourceType"])
                if kind and each.get("PhysicalResourceId"):
                    yield kind, each["PhysicalResourceId"]


def _key(office: Office, name: str) -> Iterator[tuple[Kind, str, datetime]]:
    kms = office.client("kms")
    known = kms.describe_key(KeyId=name)["KeyMetadata"]
    rotated = [
        one["RotationDate"]
        for page in kms.get_paginator("list_key_rotations").paginate(KeyId=name)
        for one in page["Rotations"]
    ]
    words = str(known.get("Description") or "")
    told = f"{name} ({words})" if words else name
    yield "key", told, max([known["CreationDate"], *rotated])


def _images(looking: _Looking, definitions: list[str]) -> list[str]:
    """Return the images that workers run, each once."""
    found: dict[str, None] = {}
    for name in definitions:
        try:
            answer = looking.office.client("ecs").describe_task_definition(taskDefinition=name)
        except (ClientError, BotoCoreError) as error:
            looking.unread.append(f"cannot look at task definition {name}: {words_of(error)}")
            continue
        containers = answer["taskDefinition"].get("containerDefinitions", [])
        found |= dict.fromkeys(one["image"] for one in containers if one.get("image"))
    return list(found)


def _image(looking: _Looking, image: str) -> Iterator[tuple[Kind, str, datetime]]:
    parts = _IMAGE.fullmatch(image)
    if parts is None:
        looking.unread.append(
            f"image {image} is in no registry of ECR, which alone tells when it was pushed"
        )
        return
    wanted = (
        {"imageDigest": parts["digest"]}
        if parts["digest"]
        else {"imageTag": parts["tag"] or "latest"}
    )
    answer = looking.office.client("ecr").describe_images(
        registryId=parts["account"], repositoryName=parts["repository"], imageIds=[wanted]
    )
    for one in answer["imageDetails"]:
        yield "image", image, one["imagePushedAt"]


def _users(office: Office) -> Iterator[tuple[Kind, str, datetime]]:
    """Yield the active access keys and the passwords of all IAM users."""
    iam = office.client("iam")
    for page in iam.get_paginator("list_users").paginate():
        for user in page["Users"]:
            name = user["UserName"]
            keys = iam.get_paginator("list_access_keys").paginate(UserName=name)
            for key in (one for page in keys for one in page["AccessKeyMetadata"]):
                if key["Status"] == "Active":
                    yield "access key", f"{name}: {key['AccessKeyId']}", key["CreateDate"]
            try:
                login = iam.get_login_profile(UserName=name)["LoginProfile"]
            except ClientError as error:
                if code_of(error) not in _GONE:
                    raise
            else:
                yield "password", name, login["CreateDate"]

"""The roles of one environment with their policies, as IAM has them: read, never written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["TROUBLE", "Attached", "Role", "Unreadable", "read_role", "role_names", "words"]

TROUBLE: Final = (BotoCoreError, ClientError)
"""What a call to AWS may end with."""

_ENVIRONMENT: Final = "starburst:environment"
_PURPOSE: Final = "starburst:role"
_WORKSPACE: Final = "starburst-workspace"


class Unreadable(Exception):
    """A role, or what was recorded of it, could not be read: it is not reviewed, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attached:
    """One policy of a role.

    Attributes:
        name: as IAM calls it; the ARN of a managed policy.
        kind: managed, or inline.
        document: what it says; None for one that is not ours to change.
        since: when it was written as it is; None for an inline policy, of which IAM does not say.
        shared: how many roles, users and groups have it.
    """

    name: str
    kind: Literal["managed", "inline"]
    document: Mapping[str, Any] | None
    since: datetime | None
    shared: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A role and its policies.

    Attributes:
        arn: of it.
        purpose: its tag ``starburst:role``; None for a role that an AWS service takes.
        workspace: its tag ``starburst-workspace``.
        created: when it was made.
        policies: in the order of IAM.
    """

    arn: str
    purpose: str | None
    workspace: str | None
    created: datetime
    policies: Sequence[Attached]


def words(error: BaseException) -> str:
    """Return an error of AWS in one line.

    Example:
        >>> words(ValueError("no such  role"))
        'no such role'
    """
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        error = ValueError(f"{told.get('Code', 'Error')}: {told.get('Message', '')}")
    return " ".join(str(error).split())[:300]


def role_names(iam: Any, environment: str) -> Iterator[str]:
    """Yield the names of the roles that may be an environment's: their tags tell which are."""
    for page in iam.get_paginator("list_roles").paginate():
        for each in page["Roles"]:
            if each["RoleName"].startswith(f"starburst-{environment}-"):
                yield each["RoleName"]


def read_role(iam: Any, name: str, environment: str) -> Role | None:
    """Return a role; None where it is another environment's, whose name begins alike.

    Args:
        iam: a client of IAM.
        name: of the role.
        environment: whose roles are meant.

    Raises:
        Unreadable: IAM did not answer, or answered what cannot be a role.
    """
    try:
        found = iam.get_role(RoleName=name)["Role"]
        tags = {each["Key"]: each["Value"] for each in found.get("Tags", ())}
        if tags.get(_ENVIRONMENT) != environment:
            return None
        return Role(
            arn=found["Arn"],
            purpose=tags.get(_PURPOSE),
            workspace=tags.get(_WORKSPACE),
            created=found["CreateDate"],
            policies=(*_managed(iam, name, found["Arn"]), *_inline(iam, name)),
        )
    except (*TROUBLE, LookupError, TypeError) as error:
        raise Unreadable(f"IAM did not answer for {name} ({words(error)})") from error


def _managed(iam: Any, name: str, arn: str) -> Iterator[Attached]:
    account = arn.split(":")[4]
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    for each in (one for page in pages for one in page["AttachedPolicies"]):
        own = each["PolicyArn"]
        if not own.startswith(f"arn:aws:iam::{account}:policy/starburst-"):
            yield Attached(name=own, kind="managed", document=None, since=None)
            continue
        policy = iam.get_policy(PolicyArn=own)["Policy"]
        version = iam.get_policy_version(PolicyArn=own, VersionId=policy["DefaultVersionId"])
        yield Attached(
            name=own,
            kind="managed",
            document=_document(version["PolicyVersion"]["Document"]),
            since=version["PolicyVersion"]["CreateDate"],
            shared=policy.get("AttachmentCount", 1),
        )


def _inline(iam: Any, name: str) -> Iterator[Attached]:
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for each in page["PolicyNames"]:
            said = iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
            yield Attached(name=each, kind="inline", document=_document(said), since=None)


def _document(said: Any) -> Mapping[str, Any]:
    # boto3 parses what IAM sends in percent-encoding; what is no object is no policy.
    if not isinstance(said, dict) or "Statement" not in said:
        raise TypeError("a policy that is no policy")
    return said

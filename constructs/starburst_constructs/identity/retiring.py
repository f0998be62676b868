"""What who retires a workspace must be allowed: to erase all of it, and to archive it before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starburst.contract import runtime_parameter
from starburst_constructs.naming import retired_parameter
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import eraser_document
from starburst_constructs.policies.incident_statements import Locker, allow, document

__all__ = ["checker_document", "retirer_document"]


def retirer_document(
    environment: str,
    workspace: str,
    prefixes: Sequence[str],
    *,
    archived: Sequence[str],
    placement: Placement,
    bucket: str,
    key_arn: str,
    locker: Locker | None = None,
) -> dict[str, Any]:
    """Return the permissions to retire a workspace.

    Args:
        environment: its name.
        workspace: which.
        prefixes: all that it has in the bucket, which is erased.
        archived: those of them that are read and kept elsewhere; () to erase alone.
        placement: of the environment.
        bucket: the data bucket.
        key_arn: what its objects are encrypted with.
        locker: where records are locked.
    """
    erasing = eraser_document(
        environment, prefixes, bucket=bucket, locker=locker, placement=placement
    )
    reading = [
        allow(
            "ReadWhatIsArchived",
            ["s3:GetObjectVersion"],
            [f"arn:aws:s3:::{bucket}/{prefix}*" for prefix in archived],
        ),
        allow(
            "EncryptionAtRest",
            ["kms:Decrypt"],
            [key_arn],
            {"StringEquals": {"kms:ViaService": f"s3.{placement.region}.amazonaws.com"}},
        ),
    ]
    name = retired_parameter(environment, workspace)
    return document(
        *erasing["Statement"],
        *(reading if archived else []),
        allow(
            "SayThatItIsRetired",
            ["ssm:PutParameter"],
            [placement.arn("ssm", f"parameter{name}")],
        ),
    )


def checker_document(environment: str, *, placement: Placement) -> dict[str, Any]:
    """Return the permissions to see which workspaces settings drop, and which are retired."""
    names = (runtime_parameter(environment), retired_parameter(environment, "*"))
    return document(
        allow(
            "SeeWhatIsDeployed",
            ["ssm:GetParameter"],
            [placement.arn("ssm", f"parameter{name}") for name in names],
        )
    )

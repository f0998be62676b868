"""Incident records: in a file at hand, and locked in the audit stack's bucket (S24, S37)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from deploy.incident.command import Clients, IncidentError, Scope, say
from starburst.aws.calls import TAKEN, code_of
from starburst.aws.write_once import past_conflicts
from starburst_constructs.naming import trail_name
from starburst_constructs.policies.incident_statements import RECORDS, Locker

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["RecordError", "lock", "locker", "try_lock"]


class RecordError(IncidentError):
    """A record is in its file alone; says why."""


def locker(environment: Environment, clients: Clients) -> Locker | None:
    """Return where records are locked; None where the trail is the organization's."""
    if not environment.audit.trail:
        return None
    trail = clients("cloudtrail").get_trail(Name=trail_name(environment.name))["Trail"]
    return Locker(bucket=trail["S3BucketName"], key_arn=trail["KmsKeyId"])


def lock(about: Scope, clients: Clients, command: str, content: Mapping[str, Any]) -> None:
    """Write a record where nobody can change or erase it, and say where.

    Args:
        about: the environment.
        clients: of a role that may.
        command: that makes the record.
        content: as in the file at hand.

    Raises:
        RecordError: it is not there.
    """
    environment = about.environment
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{command}-{secrets.token_hex(4)}.json"
    key = f"{RECORDS}{environment.name}/{name}"
    try:
        place = locker(environment, clients)
        if place is None:
            say(
                "The trail is your organization's, so the file is the only record: put it where "
                "nobody can change it"
            )
            return
        _put_new(
            clients("s3"),
            place,
            key,
            body=f"{json.dumps(content, indent=2, sort_keys=True, default=str)}\n".encode(),
            owner=environment.account,
        )
    except botocore.exceptions.ClientError as error:
        raise RecordError(_why(code_of(error), error)) from error
    except (botocore.exceptions.BotoCoreError, KeyError) as error:
        raise RecordError(_why(type(error).__name__, error)) from error
    say(f"s3://{place.bucket}/{key}: the record is kept there, and locked in production")


def try_lock(about: Scope, clients: Clients, command: str, content: Mapping[str, Any]) -> str:
    """Lock a record where the work must go on without; return what is wrong, or nothing."""
    try:
        lock(about, clients, command, content)
    except RecordError as error:
        say(f"WARNING: {error}")
        return str(error)
    return ""


def _put_new(s3: Any, place: Locker, key: str, *, body: bytes, owner: str) -> None:  # noqa: ANN401 - any client of boto3
    try:
        past_conflicts(
            lambda: s3.put_object(
                Bucket=place.bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ExpectedBucketOwner=owner,
                # Object Lock asks for a checksum; the bucket's policy for a first write.
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )
        )
    except botocore.exceptions.ClientError as error:
        # Nobody else knows the key: botocore's second try met the first, whose answer was lost.
        if code_of(error) not in TAKEN:
            raise


def _why(code: str, error: Exception) -> str:
    return (
        f"the record could not be locked in the audit stack's bucket ({code}: {error}). Keep its "
        "file where nobody can change it, and see that the permission of --permission is there"
    )

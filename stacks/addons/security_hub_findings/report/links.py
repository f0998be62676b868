"""A link that opens one report for a stated time, signed by a session that can do nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import boto3
from botocore.config import Config
from message import Link

__all__ = ["opening"]

_SHORTEST: Final = 900
"""Seconds: the shortest session that STS gives."""

Client = Any
"""Of boto3, whose clients are made at run time."""


def opening(
    sts: Client, *, role_arn: str, region: str, minutes: int, bucket: str, key: str
) -> Link:
    """Return the link.

    A link dies with the credentials that signed it, whatever it says of itself. When those of a
    function die nobody tells it; of a session that it takes, STS does, and so this does.

    Args:
        sts: client of STS.
        role_arn: of the role that may read reports.
        region: of the bucket.
        minutes: how long it was chosen to open the report.
        bucket: of the reports.
        key: of the report.
    """
    seconds = minutes * 60
    this_report = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/{key}",
            },
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
        ],
    }
    session = sts.assume_role(
        RoleArn=role_arn,
        RoleSessionName=key.rpartition("/")[2],
        DurationSeconds=max(seconds, _SHORTEST),
        Policy=json.dumps(this_report),
    )["Credentials"]
    now = datetime.now(UTC)
    lives = min(seconds, int((session["Expiration"] - now).total_seconds()))
    client = boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
        # The regional host, which KMS-encrypted objects need as well as the fourth signature.
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=lives
    )
    return Link(url=url, until=datetime.fromtimestamp(now.timestamp() + lives, UTC))

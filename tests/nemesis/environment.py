"""The environment of a run: its runtime document, and the emulator's clients."""

from __future__ import annotations

import functools
import sys
from typing import Any

import boto3

from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from tests.runtime.fleet import BUCKET, REGION

__all__ = ["clients", "document"]


@functools.cache
def clients() -> tuple[Any, Any, Any]:
    """Return clients of S3, SQS and KMS; moto plays all of them, in each run anew."""
    aws = boto3.session.Session(
        region_name=REGION, aws_access_key_id="nemesis", aws_secret_access_key="nemesis"
    )
    return aws.client("s3"), aws.client("sqs"), aws.client("kms")


def document(key_arn: str) -> RuntimeDocument:
    """Return the runtime document of the run's environment."""
    return RuntimeDocument(
        environment="test",
        account="123456789012",
        region=REGION,
        bucket=BUCKET,
        key_arn=key_arn,
        controller="arn:aws:lambda:eu-west-1:123456789012:function:starburst-test-controller",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        architecture="X86_64",
        workspaces={
            "study": WorkspaceDocument(
                analyst_role_arn="arn:aws:iam::123456789012:role/analyst",
                task_definition="study",
                limits=Limits(timeout_seconds=7 * 86_400),
                worker_role_arn="arn:aws:iam::123456789012:role/worker",
            )
        },
    )

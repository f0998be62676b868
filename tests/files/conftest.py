"""A bucket of moto's, and a person's connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from tests.quick_moto import quick_aws, quick_clients

BUCKET = "bucket"
REGION = "eu-west-1"
SDK = boto3.session.Session("testing", "testing", region_name=REGION)


class Refusing:
    """A client of S3's that is refused what it is told."""

    def __init__(self, s3: Any, code: str, *methods: str) -> None:
        self._s3 = s3
        self._code = code
        self._methods = methods
        self.asked: list[str] = []

    def get_paginator(self, name: str) -> Any:
        if name not in self._methods:
            return self._s3.get_paginator(name)
        refuse = getattr(self, name)
        pages = (refuse(**terms) for terms in [{}])
        return SimpleNamespace(paginate=lambda **_: pages)

    def __getattr__(self, name: str) -> Any:
        if name not in self._methods:
            return getattr(self._s3, name)

        def refuse(**_: object) -> None:
            self.asked.append(name)
            said: Any = {"Error": {"Code": self._code, "Message": "no"}}
            raise ClientError(said, name)

        return refuse


@pytest.fixture
def connection() -> Iterator[Connection]:
    with quick_aws():
        s3, *others = quick_clients(SDK, "s3", "sqs", "kms", "lambda")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        workspace = WorkspaceDocument(
            analyst_role_arn="arn:aws:iam::123456789012:role/starburst-test-analyst-study",
            task_definition="study",
            limits=Limits(),
        )
        document = RuntimeDocument(
            environment="test",
            account="123456789012",
            region=REGION,
            bucket=BUCKET,
            key_arn="arn:aws:kms:eu-west-1:123456789012:key/1",
            controller="arn:aws:lambda:eu-west-1:123456789012:function:controller",
            python="3.11",
            architecture="X86_64",
            workspaces={"study": workspace},
        )
        sqs, kms, functions = others
        yield Connection(
            document=document,
            workspace="study",
            user="alice",
            s3=s3,
            sqs=sqs,
            kms=kms,
            functions=functions,
            aws=SDK,
        )


@pytest.fixture
def refused(connection: Connection) -> Callable[..., Connection]:
    """Return a connection that is refused some calls."""

    def made(*methods: str, code: str = "AccessDenied", **terms: Any) -> Connection:
        s3: Any = Refusing(connection.s3, code, *methods)
        return replace(connection, s3=s3, **terms)

    return made


@pytest.fixture
def keys(connection: Connection) -> Callable[[], dict[str, bytes]]:
    """Return what the bucket holds."""

    def held() -> dict[str, bytes]:
        listed = connection.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {
            each["Key"]: connection.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
            for each in listed
        }

    return held

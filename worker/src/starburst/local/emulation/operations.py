"""Say which operation a request is, by AWS's own models, or refuse it.

The emulator asks a policy about what it reads in one place of a request (an ``Action`` in the
query, say) and does what it reads in another (the target header, the path): a caller that may do
one thing could do another. A request that has the form that AWS's SDKs give it reads in one way
only.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .patching import module
from .signatures import Head, Refused

__all__ = ["SERVICES", "Asked", "Service", "asked", "no_action"]

_FORM = "application/x-www-form-urlencoded"
_JSON = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_COLON = "(?::|%3A)"
_FUNCTION = (
    rf"(?:arn{_COLON}aws{_COLON}lambda{_COLON}[a-z0-9-]+{_COLON}\d{{12}}{_COLON}function{_COLON})?"
    rf"[A-Za-z0-9_-]{{1,64}}(?:{_COLON}(?:[$]|%24)?[A-Za-z0-9_-]+)?"
)
_LABELS = {"Bucket": _BUCKET + "/?", "FunctionName": _FUNCTION}
_CODED = {"content-encoding", "x-amz-decoded-content-length"}
"""A body is what was signed: nothing may be unpacked behind the gate."""
_SAME = ""

_S3: Mapping[str, str] = {
    "AbortMultipartUpload": _SAME,
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateBucket": _SAME,
    "CreateMultipartUpload": "PutObject",
    "DeleteBucket": _SAME,
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketPolicy": _SAME,
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObject": _SAME,
    "DeleteObjectTagging": _SAME,
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAcl": _SAME,
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketLocation": _SAME,
    "GetBucketLogging": _SAME,
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketOwnershipControls": _SAME,
    "GetBucketPolicy": _SAME,
    "GetBucketPolicyStatus": _SAME,
    "GetBucketTagging": _SAME,
    "GetBucketVersioning": _SAME,
    "GetObject": _SAME,
    "GetObjectAttributes": _SAME,
    "GetObjectLegalHold": _SAME,
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetObjectRetention": _SAME,
    "GetObjectTagging": _SAME,
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAcl": _SAME,
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketLogging": _SAME,
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketOwnershipControls": _SAME,
    "PutBucketPolicy": _SAME,
    "PutBucketTagging": _SAME,
    "PutBucketVersioning": _SAME,
    "PutObject": _SAME,
    "PutObjectLegalHold": _SAME,
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutObjectRetention": _SAME,
    "PutObjectTagging": _SAME,
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_LAMBDA: Mapping[str, str] = {
    "AddPermission": _SAME,
    "CreateFunctionUrlConfig": _SAME,
    "DeleteFunctionUrlConfig": _SAME,
    "GetAlias": _SAME,
    "GetEventSourceMapping": _SAME,
    "GetFunction": _SAME,
    "GetFunctionConcurrency": _SAME,
    "GetFunctionConfiguration": _SAME,
    "GetFunctionEventInvokeConfig": _SAME,
    "GetPolicy": _SAME,
    "Invoke": "InvokeFunction",
    "ListAliases": _SAME,
    "ListFunctionUrlConfigs": _SAME,
    "ListFunctions": _SAME,
    "ListTags": _SAME,
    "ListVersionsByFunction": _SAME,
    "PublishVersion": _SAME,
    "PutFunctionConcurrency": _SAME,
    "RemovePermission": _SAME,
    "UpdateFunctionCode": _SAME,
    "UpdateFunctionConfiguration": _SAME,
}
_CLOUDWATCH: Mapping[str, str] = {"DescribeAlarms": _SAME, "ListTagsForResource": _SAME}
_ATHENA: Mapping[str, str] = dict.fromkeys(
    ("GetQueryExecution", "GetQueryResults", "GetWorkGroup", "StartQueryExecution"), _SAME
)
_DYNAMODB: Mapping[str, str] = dict.fromkeys(("DeleteItem", "GetItem", "PutItem", "Query"), _SAME)
_FIREHOSE: Mapping[str, str] = dict.fromkeys(("PutRecord", "PutRecordBatch"), _SAME)
_SECRETS: Mapping[str, str] = dict.fromkeys(
    ("CreateSecret", "DeleteSecret", "DescribeSecret", "GetSecretValue", "PutSecretValue"), _SAME
)
_STS: Mapping[str, str] = {"AssumeRole": _SAME, "GetCallerIdentity": _SAME}

_COPY_SOURCE = re.compile(rf"/?{_BUCKET}/[^?]+(?:\?versionId=[A-Za-z0-9._-]+)?")


@dataclass(frozen=True, slots=True)
class Service:
    """One service that the local environment answers for.

    Attributes:
        name: the emulator's name of it.
        actions: the operations that it answers, with their IAM action where that has another name;
            None for all of botocore's model, whose names are the IAM actions.
        model: botocore's name of it, where that is another.
        protocol: one of the protocols that its model names, where the first is not spoken here.
    """

    name: str
    actions: Mapping[str, str] | None = None
    model: str = ""
    protocol: str = ""


SERVICES: Mapping[str, Service] = {
    "s3": Service("s3", _S3),
    "lambda": Service("lambda", _LAMBDA),
    # SDKs send CBOR, which the emulator reads with a package that nothing here installs.
    "monitoring": Service("monitoring", _CLOUDWATCH, model="cloudwatch", protocol="json"),
    "sts": Service("sts", _STS),
    # Of the log lake: what feeds it, and who asks it.
    "athena": Service("athena", _ATHENA),
    "firehose": Service("firehose", _FIREHOSE),
    # What workers start with is put there by hand; ECS reads it.
    "secretsmanager": Service("secretsmanager", _SECRETS),
    # Of job metrics: what counts them.
    "dynamodb": Service("dynamodb", _DYNAMODB),
    **{
        name: Service(name)
        for name in (
            *("budgets", "cloudformation", "cloudtrail", "ec2", "ecr", "ecs", "events", "iam"),
            *("kms", "logs", "sns", "sqs", "ssm"),
        )
    },
}
"""What bootstrap, stacks, runtime and incident commands use, by the name that is signed for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for.

    Attributes:
        service: the emulator's name of the service.
        action: the IAM action without its service.
    """

    service: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """How one REST operation looks."""

    action: str
    method: str
    path: re.Pattern[str]
    constants: Mapping[str, str]
    required: frozenset[str]
    allowed: frozenset[str]
    copies: bool

    def fits(self, head: Head) -> bool:
        return (
            head.method == self.method
            and self.path.fullmatch(head.path) is not None
            and all(head.query.get(name) == [value] for name, value in self.constants.items())
            and self.required <= head.query.keys()
            and {name for name in head.query if not name.startswith("X-Amz-")} <= self.allowed
            and all(len(values) == 1 for values in head.query.values())
            and self.copies == ("x-amz-copy-source" in head.headers)
        )


def asked(head: Head, body: bytes, *, signed_for: str) -> Asked:
    """Return what a request asks for.

    Raises:
        Refused: it is no request of a service that the local environment answers for, or it has
            another form than AWS's SDKs give it.
    """
    service = SERVICES.get(signed_for)
    if service is None:
        raise Refused(
            "AccessDenied",
            f"the local environment does not answer for {signed_for}: Starburst does not use it "
            f"(it answers for {', '.join(sorted(SERVICES))})",
        )
    if service.name != "s3" and _CODED & head.headers.keys():
        raise no_action(service.name)
    protocol = service.protocol or _model(service).metadata["protocol"]
    if protocol == "json":
        action = _of_target(service, head)
    elif protocol in ("query", "ec2"):
        action = _of_form(service, head, body)
    else:
        action = _of_path(service, head, body)
    return Asked(service=service.name, action=action)


def no_action(service: str) -> Refused:
    """Return the refusal of a request that no policy can be asked about."""
    return Refused(
        "AccessDenied",
        f"no IAM action is known for this request to {service}: the local environment answers "
        "the operations that Starburst uses, in the form that AWS's SDKs give them",
    )


def _of_target(service: Service, head: Head) -> str:
    prefix, _, operation = head.headers.get("x-amz-target", "").rpartition(".")
    content = head.headers.get("content-type", "").partition(";")[0]
    plain = head.method == "POST" and head.path == "/" and not head.query and content in _JSON
    if not plain or prefix != _model(service).metadata["targetPrefix"]:
        raise no_action(service.name)
    return _named(service, operation)


def _of_form(service: Service, head: Head, body: bytes) -> str:
    content = head.headers.get("content-type", "").partition(";")[0]
    plain = head.method == "POST" and head.path == "/" and not head.query and content == _FORM
    if not plain or "x-amz-target" in head.headers:
        raise no_action(service.name)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
    except ValueError as error:
        raise no_action(service.name) from error
    if len({name for name, _ in fields}) < len(fields):
        raise no_action(service.name)
    return _named(service, dict(fields).get("Action", ""))


def _of_path(service: Service, head: Head, body: bytes) -> str:
    content = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "x-amz-target" in head.headers or content == _FORM:
        raise no_action(service.name)
    route = next((route for route in _routes(service.name) if route.fits(head)), None)
    if route is None:
        raise no_action(service.name)
    if route.copies and not _COPY_SOURCE.fullmatch(head.headers["x-amz-copy-source"]):
        raise no_action(service.name)
    if service.name == "s3" and "delete" in head.query and not _one_key_each(body):
        raise no_action(service.name)
    versioned = module("core.iam_actions")._S3_VERSIONED_ACTIONS
    if service.name == "s3" and head.query.get("versionId", [""])[0]:
        return str(versioned.get(route.action, route.action))
    return route.action


def _named(service: Service, operation: str) -> str:
    known = service.actions
    if operation not in (_model(service).operation_names if known is None else known):
        raise no_action(service.name)
    return operation


def _one_key_each(body: bytes) -> bool:
    """Whether every object that a batch deletes has one key: a policy is asked about one."""
    actions = module("core.iam_actions")
    try:
        root = actions.fromstring(body)
    except (actions.ParseError, ValueError):
        return False
    deep = sum(_tag(element) == "Object" for element in root.iter())
    objects = [element for element in root if _tag(element) == "Object"]
    return deep == len(objects) and all(
        [_tag(child) for child in each].count("Key") == 1
        and [_tag(child) for child in each].count("VersionId") <= 1
        for each in objects
    )


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _model(service: Service) -> Any:
    return _read_model(service.model or service.name)


@functools.cache
def _read_model(name: str) -> Any:
    import botocore.session  # noqa: PLC0415 - at the first request, not when the server starts

    return botocore.session.get_session().get_service_model(name)


@functools.cache
def _routes(name: str) -> tuple[_Route, ...]:
    """Return how the operations of a REST service look; those that say most about it first."""
    actions = SERVICES[name].actions or {}
    model = _model(SERVICES[name])
    found = [_route(model.operation_model(each), actions[each] or each) for each in actions]
    found.sort(key=lambda route: -len(route.constants) - len(route.required))
    return tuple(found)


def _route(operation: Any, action: str) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    constants = dict(parse_qsl(query, keep_blank_values=True))
    shape: Any = operation.input_shape
    members = {} if shape is None else shape.members
    in_query = {
        name: str(member.serialization["name"])
        for name, member in members.items()
        if member.serialization.get("location") == "querystring"
    }
    required = (
        [] if shape is None else [each for each in shape.required_members if each in in_query]
    )
    pattern = re.sub(
        r"\\\{(\w+)(\\\+)?\\\}",
        lambda label: ".+" if label[2] else _LABELS.get(label[1], r"[^/]+"),
        re.escape(path),
    )
    # A bucket alone may end in a slash; before a key the slash is the path's own.
    pattern = pattern.replace("/?/", "/")
    copies = any(
        member.serialization.get("name") == "x-amz-copy-source" for member in members.values()
    )
    return _Route(
        action=action,
        method=operation.http["method"],
        path=re.compile(pattern),
        constants=constants,
        required=frozenset(in_query[each] for each in required),
        allowed=frozenset({*in_query.values(), *constants, "x-id"}),
        copies=copies,
    )

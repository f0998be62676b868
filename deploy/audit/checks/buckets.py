"""Whether buckets encrypt, keep versions and are shut to the public, as their code has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject
from starburst.aws.calls import code_of

__all__ = ["BUCKETS"]

_FLAGS: Final = (
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
)
_NONE: Final = frozenset(
    {"ServerSideEncryptionConfigurationNotFoundError", "NoSuchPublicAccessBlockConfiguration"}
)
_SHOULD: Final = "the data of analysts or the evidence of an incident are in it"


def _look(subject: Subject) -> Iterator[Finding]:
    s3 = subject.client("s3")
    for one, wanted in subject.of_kind("AWS::S3::Bucket"):
        name = f"bucket {one.physical}"
        should = _algorithm(wanted)
        told = _or_none(lambda one=one: s3.get_bucket_encryption(Bucket=one.physical))  # type: ignore[misc]
        rules = told.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        found = {
            rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules
        }
        if found != {should}:
            yield Finding(
                resource=name,
                what=f"encrypts with {_words(found)}, and not with {should}",
                why=_SHOULD,
                do="deploy its stack again, or put the encryption back by hand",
            )
        if wanted.get("VersioningConfiguration", {}).get("Status") == "Enabled":
            status = s3.get_bucket_versioning(Bucket=one.physical).get("Status")
            if status != "Enabled":
                yield Finding(
                    resource=name,
                    what=f"keeps no versions ({status or 'never switched on'})",
                    why="what is deleted or written over cannot be restored",
                    do="switch versioning on again",
                )
        told = _or_none(lambda one=one: s3.get_public_access_block(Bucket=one.physical))  # type: ignore[misc]
        flags = told.get("PublicAccessBlockConfiguration", {})
        off = [flag for flag in _FLAGS if not flags.get(flag)]
        if off:
            yield Finding(
                resource=name,
                what=f"may be made public ({', '.join(off)} off)",
                why=_SHOULD,
                do="switch all four settings of Block Public Access on again",
            )


def _algorithm(wanted: Mapping[str, Any]) -> str:
    rules = wanted.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    for rule in rules:
        return str(rule.get("ServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "AES256"))
    return "AES256"


def _or_none(call: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any call of boto3
    try:
        return dict(call())
    except ClientError as error:
        if code_of(error) not in _NONE:
            raise
        return {}


def _words(found: set[str | None]) -> str:
    return ", ".join(sorted(str(one) for one in found)) or "nothing"


BUCKETS: Final = Check(name="buckets", look=_look, items=(2, 3, 4))

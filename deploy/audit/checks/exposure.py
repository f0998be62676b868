"""Whether anything of the environment is open to everybody, by its own policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject, is_public
from starburst.aws.calls import code_of

__all__ = ["EXPOSURE"]

_NO_POLICY: Final = frozenset({"NoSuchBucketPolicy", "RepositoryPolicyNotFoundException"})


def _look(subject: Subject) -> Iterator[Finding]:
    for kind, read in _READ.items():
        for one, _ in subject.of_kind(kind):
            try:
                text = read(subject, one.physical)
            except ClientError as error:
                if code_of(error) not in _NO_POLICY:
                    raise
                continue
            policy: Mapping[str, Any] = json.loads(text) if text else {}
            if is_public(policy):
                yield Finding(
                    resource=f"{kind} {one.physical}",
                    what="is open to everybody by its own policy",
                    why="nobody outside the account may reach anything of the environment",
                    do="put back the policy of its stack, and see in the trail who wrote this one",
                )


def _queue(subject: Subject, url: str) -> str:
    answer = subject.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    return str(answer.get("Attributes", {}).get("Policy", ""))


_READ: Final[dict[str, Callable[[Subject, str], str]]] = {
    "AWS::S3::Bucket": lambda s, name: s.client("s3").get_bucket_policy(Bucket=name)["Policy"],
    "AWS::KMS::Key": lambda s, name: s.client("kms").get_key_policy(
        KeyId=name, PolicyName="default"
    )["Policy"],
    "AWS::ECR::Repository": lambda s, name: s.client("ecr").get_repository_policy(
        repositoryName=name
    )["policyText"],
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": lambda s, name: (
        s.client("sns").get_topic_attributes(TopicArn=name)["Attributes"].get("Policy", "")
    ),
}
"""How the policy of each kind is read."""

EXPOSURE: Final = Check(name="public exposure", look=_look, items=(4,))

"""The five roles of a bootstrap as ``make bootstrap`` writes them: who takes them, what they may.

What the template of the installed CLI says of them, narrowed; a test compares both. Theorems need
them where no CLI is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starburst_assurance.bootstrap.deployer import Deployer

__all__ = ["JOBS", "ToolkitRole", "toolkit_roles"]

Document = Mapping[str, Any]

JOBS: Final = ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec")
"""What each is for, as it stands in its name."""

READING: Final = (
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
)
_DEPLOYING: Final = (
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "cloudformation:RollbackStack",
    "cloudformation:ContinueUpdateRollback",
)
_ENDING: Final = ("cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection")
_STAGING: Final = ("s3:GetObject*", "s3:GetBucket*", "s3:List*")
_PUBLISHING: Final = (
    "s3:GetObject*",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:List*",
    "s3:PutObject*",
    "s3:Abort*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolkitRole:
    """One of the five.

    Attributes:
        job: of ``JOBS``.
        arn: of the role.
        trust: who takes it.
        policies: of its own; of the execution role they are written apart.
    """

    job: str
    arn: str
    trust: Document
    policies: tuple[Document, ...] = ()


def toolkit_roles(deployer: Deployer) -> tuple[ToolkitRole, ...]:
    """Return the roles of the bootstrap of one environment.

    Args:
        deployer: of which environment.
    """
    account, region = deployer.account, deployer.region
    bucket = f"arn:aws:s3:::cdk-{deployer.qualifier}-assets-{account}-{region}"
    place = f"arn:aws:cloudformation:{region}:{account}:stack"
    stacks = [f"{place}/starburst-{deployer.environment}-*"]
    reading = _allow(READING, [*stacks, f"{place}/CDKToolkit/*"])
    version = f"arn:aws:ssm:{region}:{account}:parameter/cdk-bootstrap/{deployer.qualifier}/version"
    policies: Mapping[str, Sequence[Document]] = {
        "deploy": (
            _allow(_DEPLOYING, stacks),
            _allow(["iam:PassRole"], [deployer.arn]),
            _allow(_ENDING, stacks),
            _allow(_STAGING, [bucket, f"{bucket}/*"]),
            _allow(["ssm:GetParameter", "ssm:GetParameters"], [version]),
            reading,
        ),
        "file-publishing": (
            _allow(
                _PUBLISHING,
                [bucket, f"{bucket}/*"],
                {"StringEquals": {"aws:ResourceAccount": [account]}},
            ),
        ),
        "lookup": (
            {"Effect": "Deny", "Action": ["kms:Decrypt"], "Resource": ["*"]},
            reading,
        ),
    }
    return tuple(
        ToolkitRole(
            job=job,
            arn=deployer.arn.replace("cfn-exec", job),
            trust=_trust(job, account),
            policies=(_document(policies[job]),) if job in policies else (),
        )
        for job in JOBS
    )


def _trust(job: str, account: str) -> Document:
    if job == "cfn-exec":
        service = {"Service": "cloudformation.amazonaws.com"}
        return _document([{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": service}])
    taking = {"Effect": "Allow", "Principal": {"AWS": account}}
    outsiders = {"Null": {"sts:ExternalId": "true"}}
    return _document(
        [
            {**taking, "Action": ["sts:AssumeRole"], "Condition": outsiders},
            {**taking, "Action": ["sts:TagSession"]},
        ]
    )


def _allow(
    actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Document:
    made = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return made if condition is None else {**made, "Condition": condition}


def _document(statements: Sequence[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}

"""What each role of a delivery is for, and whose: tables apart from its policies, to prove by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from stacks.addons.delivery.settings import GitHub, Target
from starburst_assurance.proofs.theorems.identities.reaching import Taker

if TYPE_CHECKING:
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["ISSUER", "ceiling_table", "claims_table", "duty_table", "taker_table"]

ISSUER: Final = "token.actions.githubusercontent.com"
"""Of GitHub's tokens."""

_REPORTS: Final = (
    "codebuild:BatchPutCodeCoverages",
    "codebuild:BatchPutTestCases",
    "codebuild:CreateReport",
    "codebuild:UpdateReport",
)
_STARTS: Final = ("codebuild:BatchGetBuilds", "codebuild:StartBuild")
_CLONES: Final = ("codeconnections:GetConnection", "codeconnections:GetConnectionToken")
_LINES: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_READS: Final = ("s3:GetObject", "s3:GetObjectVersion")
_BUCKET: Final = "{delivery/Artifacts}/*"
_KEY: Final = "{delivery/Key}"
_MINE: Final = "starburst-{env}-delivery-"


def duty_table(
    targets: Sequence[Target], *, connection: str | None, logins: bool, image: bool
) -> Mapping[str, Sequence[Duty]]:
    """Return what each role is for, by its purpose."""
    table: dict[str, Sequence[Duty]] = {}
    if logins:
        table |= {f"delivery-github-{one.name}": (_deploys(one),) for one in targets}
    if connection is None:
        return table
    clones: Duty = (_CLONES, (connection,))
    for part, reports in (
        ("review", ("scan",)),
        ("tests", ("junit", "coverage")),
        ("suite", ("junit",)),
    ):
        table[f"delivery-{part}"] = (*_usual(part, reports), clones)
    artifacts: Sequence[Duty] = ((_READS, (_BUCKET,)), (("kms:Decrypt",), (_KEY,)))
    table["delivery-gate"] = (*_usual("gate", ("scan", "junit", "coverage")), *artifacts)
    for one in targets:
        part = f"deploy-{one.name}"
        table[f"delivery-{part}"] = (*_usual(part), *artifacts, _deploys(one))
    if image:
        table["delivery-image"] = (*_usual("image"), clones, *_pushes())
    builds = ("gate", *(f"deploy-{one.name}" for one in targets))
    table["delivery-pipeline"] = (
        (("codeconnections:UseConnection",), (connection,)),
        ((*_READS, "s3:PutObject"), (_BUCKET,)),
        (("s3:GetBucketVersioning",), ("{delivery/Artifacts}",)),
        (("kms:Decrypt", "kms:GenerateDataKey"), (_KEY,)),
        (_STARTS, tuple(f"arn:aws:codebuild:{{r}}:{{a}}:project/{_MINE}{one}" for one in builds)),
    )
    return table


def ceiling_table(targets: Sequence[Target], *, pipeline: bool) -> Sequence[Duty]:
    """Return the most that any role may be given because of a delivery."""
    found: list[Duty] = [_deploys(one) for one in targets]
    if pipeline:
        found += [
            (
                (*_REPORTS, *_STARTS),
                tuple(
                    f"arn:aws:codebuild:{{r}}:{{a}}:{kind}/{_MINE}*"
                    for kind in ("project", "report-group")
                ),
            ),
            (("s3:GetBucketVersioning",), (f"arn:aws:s3:::{_MINE}*",)),
            (
                (*_CLONES, "codeconnections:UseConnection"),
                ("arn:aws:codeconnections:{r}:{a}:connection/*",),
            ),
        ]
    return found


def claims_table(github: GitHub, target: Target) -> Mapping[str, str]:
    """Return what a token of the job says that deploys a target, by the claim's name."""
    owner, name = github.owner, github.name
    if github.immutable_subject:
        owner, name = f"{owner}@{github.owner_id}", f"{name}@{github.repository_id}"
    return {
        "aud": "sts.amazonaws.com",
        "environment": target.name,
        "ref": f"refs/heads/{github.branch}",
        "repository_id": github.repository_id,
        "sub": f"repo:{owner}/{name}:environment:{target.name}",
    }


def taker_table(github: GitHub, targets: Sequence[Target]) -> Mapping[str, Sequence[Taker]]:
    """Return whose tokens take the roles of GitHub's, by the role's purpose."""
    return {
        f"delivery-github-{one.name}": (
            Taker(
                who=f"arn:aws:iam::{{a}}:oidc-provider/{ISSUER}",
                actions=("sts:AssumeRoleWithWebIdentity",),
                said={f"{ISSUER}:{key}": said for key, said in claims_table(github, one).items()},
            ),
        )
        for one in targets
    }


def _deploys(target: Target) -> Duty:
    place = f"{target.account}-{target.region}"
    return (
        ("sts:AssumeRole",),
        tuple(
            f"arn:aws:iam::{target.account}:role/cdk-{target.qualifier}-{part}-role-{place}"
            for part in ("deploy", "file-publishing", "image-publishing", "lookup")
        ),
    )


def _pushes() -> Iterator[Duty]:
    yield (
        (
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:DescribeImages",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ),
        ("{repository}",),
    )
    yield (("ecr:GetAuthorizationToken",), ("*",))
    yield (
        ("cloudformation:DescribeStacks",),
        ("arn:aws:cloudformation:{r}:{a}:stack/starburst-{env}-registry/*",),
    )


def _usual(part: str, reports: Sequence[str] = ()) -> Iterator[Duty]:
    yield (_LINES, (f"arn:aws:logs:{{r}}:{{a}}:log-group:{_MINE}{part}:log-stream:*",))
    if reports:
        begins = f"arn:aws:codebuild:{{r}}:{{a}}:report-group/{_MINE}{part}-"
        yield (_REPORTS, tuple(f"{begins}{one}" for one in reports))

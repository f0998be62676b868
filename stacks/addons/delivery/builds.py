"""One project of CodeBuild: its commands, its role, its log and its reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.addons.core import Core
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.naming import role_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = [
    "BUILDSPECS",
    "CONTAINER",
    "DOCKER",
    "LAMBDA",
    "BuildProject",
    "Compute",
    "service_trust",
]

BUILDSPECS: Final = Path(__file__).with_name("buildspecs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compute:
    """What a build runs on.

    Attributes:
        kind, size, image: as CodeBuild calls them.
        minutes: after which a build is stopped; None where AWS alone says so.
        privileged: whether it may run Docker.
    """

    kind: str
    size: str
    image: str
    minutes: int | None
    privileged: bool = False


_IMAGE: Final = "aws/codebuild/amazonlinux-aarch64-standard:4.0"
CONTAINER: Final = Compute(
    kind="ARM_CONTAINER", size="BUILD_GENERAL1_LARGE", image=_IMAGE, minutes=60
)
DOCKER: Final = Compute(
    kind="ARM_CONTAINER",
    size="BUILD_GENERAL1_LARGE",
    image=_IMAGE,
    minutes=60,
    privileged=True,
)
LAMBDA: Final = Compute(
    kind="ARM_LAMBDA_CONTAINER",
    size="BUILD_LAMBDA_10GB",
    image="aws/codebuild/amazonlinux-aarch64-lambda-standard:python3.13",
    # Such builds end after 15 minutes, and take no time-out of their own (P11).
    minutes=None,
)


def service_trust(service: str, source_arn: str, *, placement: Placement) -> iam.IPrincipal:
    """Return the trust of a role that an AWS service takes for one resource of ours (P5)."""
    return iam.PrincipalWithConditions(
        cast(iam.IPrincipal, iam.ServicePrincipal(f"{service}.amazonaws.com")),
        {
            "StringEquals": {"aws:SourceAccount": placement.account},
            "ArnEquals": {"aws:SourceArn": source_arn},
        },
    )


class BuildProject(Construct):
    """A project with a role of its own, which no other project takes.

    Args:
        scope: parent construct.
        construct_id: its id there.
        core: of the environment.
        boundary: the most that its role can ever do.
        part: names it, behind ``starburst-<environment>-delivery-``.
        description: what it does.
        buildspec: file below ``buildspecs/``.
        compute: what it runs on.
        key: encrypts what it hands over.
        reports: kind by name, ``TEST`` or ``CODE_COVERAGE``, as the buildspec names them.
        statements: what it may do beside writing its log and reports.
        variables: its environment; never a secret.
        source: where its code comes from, if not from a pipeline.
        triggers: what starts it by itself.

    Attributes:
        arn: of the project.
        name: of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        boundary: iam.IManagedPolicy,
        part: str,
        description: str,
        buildspec: str,
        compute: Compute,
        key: kms.Key,
        reports: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement] = (),
        variables: Mapping[str, str] | None = None,
        source: codebuild.CfnProject.SourceProperty | None = None,
        triggers: codebuild.CfnProject.ProjectTriggersProperty | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        environment = core.environment
        placement = environment.placement
        purpose = f"delivery-{part}"
        self.name = f"starburst-{environment.name}-{purpose}"
        self.arn = placement.arn("codebuild", f"project/{self.name}")
        log = EncryptedLogGroup(
            self,
            "Log",
            name=self.name,
            key=cast(kms.Key, core.foundation.logs_key),
            days=environment.log_retention_days,
            placement=placement,
        )
        groups = [
            codebuild.CfnReportGroup(
                self,
                f"Report-{name}",
                name=f"{self.name}-{name}",
                type=kind,
                export_config=codebuild.CfnReportGroup.ReportExportConfigProperty(
                    export_config_type="NO_EXPORT"
                ),
                delete_reports=True,
            )
            for name, kind in reports.items()
        ]
        role = KitRole(
            self,
            "Role",
            name=role_name(environment.name, purpose),
            purpose=purpose,
            trust=service_trust("codebuild", self.arn, placement=placement),
            boundary=boundary,
            description=description,
            policies={"Work": [*self._usual(placement, reports), *statements]},
        )
        project = codebuild.CfnProject(
            self,
            "Project",
            name=self.name,
            description=description,
            service_role=role.role_arn,
            encryption_key=key.key_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(
                type="CODEPIPELINE" if source is None else "NO_ARTIFACTS"
            ),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type=compute.kind,
                compute_type=compute.size,
                image=compute.image,
                image_pull_credentials_type="CODEBUILD",
                privileged_mode=compute.privileged,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name=name, value=value)
                    for name, value in (variables or {}).items()
                ],
            ),
            source=self._source(buildspec, source),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log.log_group_name
                )
            ),
            timeout_in_minutes=compute.minutes,
            triggers=triggers,
        )
        for group in groups:
            project.node.add_dependency(group)

    def _source(
        self, buildspec: str, source: codebuild.CfnProject.SourceProperty | None
    ) -> codebuild.CfnProject.SourceProperty:
        text = (BUILDSPECS / buildspec).read_text(encoding="utf-8")
        if source is None:
            return codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=text)
        return codebuild.CfnProject.SourceProperty(
            type=source.type,
            auth=source.auth,
            build_spec=text,
            git_clone_depth=source.git_clone_depth,
            location=source.location,
            report_build_status=source.report_build_status,
        )

    def _usual(self, placement: Placement, reports: Mapping[str, str]) -> list[iam.PolicyStatement]:
        statements: list[iam.PolicyStatement] = [
            Allow(
                sid="WriteLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=patterns(
                    "CodeBuild names a stream after each build, in the project's own group.",
                    placement.arn("logs", f"log-group:{self.name}:log-stream:*"),
                ),
            )
        ]
        if reports:
            statements.append(
                Allow(
                    sid="WriteReports",
                    actions=[
                        "codebuild:BatchPutCodeCoverages",
                        "codebuild:BatchPutTestCases",
                        "codebuild:CreateReport",
                        "codebuild:UpdateReport",
                    ],
                    resources=[
                        placement.arn("codebuild", f"report-group/{self.name}-{name}")
                        for name in reports
                    ],
                )
            )
        return statements

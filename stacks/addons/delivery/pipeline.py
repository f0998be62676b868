"""From a merge to the environments: fetch, judge, and deploy one after another, each approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.addons.core import Core
from stacks.addons.delivery.builds import BuildProject, service_trust
from stacks.addons.delivery.permissions import running
from stacks.addons.delivery.settings import GitHub, Target
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import role_name

__all__ = ["DeliveryPipeline"]

_SOURCE = "merged"


class DeliveryPipeline(Construct):
    """A pipeline of CodePipeline; it holds no right to deploy, and starts builds that do.

    Args:
        scope: parent construct.
        construct_id: its id there.
        core: of the environment in whose account it stands.
        boundary: the most that its role can ever do.
        github: whose branch starts it.
        connection_arn: by which it fetches.
        targets: in the order in which they are deployed.
        gate: judges what was merged.
        deploys: by target's name.
        bucket, key: for what is handed over.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        boundary: iam.IManagedPolicy,
        github: GitHub,
        connection_arn: str,
        targets: Sequence[Target],
        gate: BuildProject,
        deploys: Mapping[str, BuildProject],
        bucket: s3.Bucket,
        key: kms.Key,
    ) -> None:
        super().__init__(scope, construct_id)
        environment = core.environment
        purpose = "delivery-pipeline"
        name = f"starburst-{environment.name}-delivery"
        projects = [gate, *deploys.values()]
        role = KitRole(
            self,
            "Role",
            name=role_name(environment.name, purpose),
            purpose=purpose,
            trust=service_trust(
                "codepipeline",
                environment.placement.arn("codepipeline", name),
                placement=environment.placement,
            ),
            boundary=boundary,
            description="Fetches what was merged, and starts the builds that deploy it",
            policies={
                "Work": running(
                    bucket,
                    key,
                    connection_arn=connection_arn,
                    projects=[one.arn for one in projects],
                )
            },
        )
        pipeline = codepipeline.CfnPipeline(
            self,
            "Resource",
            name=name,
            role_arn=role.role_arn,
            pipeline_type="V2",
            # What was merged later takes the place of what still waits for somebody's approval.
            execution_mode="SUPERSEDED",
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=bucket.bucket_name,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(
                    id=key.key_arn, type="KMS"
                ),
            ),
            stages=[
                _stage("Source", [_fetch(github, connection_arn)]),
                _stage("Gate", [_build("Judge", gate)]),
                *(
                    _stage(
                        target.name,
                        [
                            *([_approval(target)] if target.approval else []),
                            _build("Deploy", deploys[target.name], order=1 + target.approval),
                        ],
                    )
                    for target in targets
                ),
            ],
        )
        pipeline.node.add_dependency(*projects)


def _stage(name: str, actions: Sequence[Any]) -> codepipeline.CfnPipeline.StageDeclarationProperty:
    return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=list(actions))


def _action(
    name: str, category: str, provider: str, *, order: int = 1, **properties: Any
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    return codepipeline.CfnPipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        run_order=order,
        **properties,
    )


def _fetch(
    github: GitHub, connection_arn: str
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    return _action(
        "Fetch",
        "Source",
        "CodeStarSourceConnection",
        configuration={
            "ConnectionArn": connection_arn,
            "FullRepositoryId": f"{github.owner}/{github.name}",
            "BranchName": github.branch,
            # An archive: no build of the pipeline holds a right to the repository.
            "OutputArtifactFormat": "CODE_ZIP",
        },
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=_SOURCE)],
    )


def _build(
    name: str, project: BuildProject, *, order: int = 1
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    return _action(
        name,
        "Build",
        "CodeBuild",
        order=order,
        configuration={"ProjectName": project.name},
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=_SOURCE)],
    )


def _approval(target: Target) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    return _action(
        "Approve",
        "Approval",
        "Manual",
        configuration={
            "CustomData": f"Deploys {target.name}. Read what the pull request's review says that "
            "it newly permits, replaces and costs."
        },
    )

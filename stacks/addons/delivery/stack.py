"""All of a delivery in the tooling account: projects, pipeline and GitHub's roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.delivery.builds import CONTAINER, DOCKER, LAMBDA, BuildProject, Compute
from stacks.addons.delivery.permissions import (
    assuming,
    delivery_ceilings,
    image_statements,
    reading,
    using,
)
from stacks.addons.delivery.pipeline import DeliveryPipeline
from starburst_constructs.identity.github import GitHubProvider, github_trust
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import role_name
from starburst_constructs.storage.keys import ArtifactsKey
from starburst_constructs.storage.private_bucket import PrivateBucket

if TYPE_CHECKING:
    from stacks.addons.delivery.addon import Delivery

__all__ = ["DeliveryStack"]

_ARTIFACT_DAYS = 30
_LOGIN_HOURS = 2


class DeliveryStack(BoundedStack):
    """The delivery of one repository.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: of the environment in whose account it stands.
        delivery: the settings.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, core: Core, delivery: Delivery, **kwargs: Any
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            core=core,
            ceilings=delivery_ceilings(
                core.environment,
                delivery.targets,
                pipeline=delivery.connection_arn is not None,
                image=delivery.image_base is not None,
            ),
            **kwargs,
        )
        self._core = core
        self._delivery = delivery
        if delivery.logins:
            self._let_github_in()
        if delivery.connection_arn is not None:
            self._build(delivery.connection_arn)
        self.order_roles()

    def _let_github_in(self) -> None:
        environment, delivery = self._core.environment, self._delivery
        provider = GitHubProvider(self, "GitHub") if delivery.makes_provider else None
        for target in delivery.targets:
            purpose = f"delivery-github-{target.name}"
            role = KitRole(
                self,
                f"GitHub-{target.name}",
                name=role_name(environment.name, purpose),
                purpose=purpose,
                trust=github_trust(
                    delivery.github, environment=target.name, account=environment.account
                ),
                boundary=self.boundary,
                description=f"GitHub's jobs that deploy {target.name}",
                policies={"Deploy": [assuming(target)]},
                session=cdk.Duration.hours(_LOGIN_HOURS),
            )
            if provider is not None:
                role.node.add_dependency(provider)

    def _build(self, connection_arn: str) -> None:
        core, delivery = self._core, self._delivery
        placement = core.environment.placement
        key = ArtifactsKey(self, "Key", placement=placement, keepers=core.foundation.keepers)
        bucket = self._bucket(key)
        self._review(connection_arn, key)
        if delivery.image_base is not None:
            self._image(connection_arn, key, delivery.image_base)
        gate = self._project(
            "gate",
            "Judges what was merged before any of it is deployed",
            key=key,
            reports={"scan": "TEST", "junit": "TEST", "coverage": "CODE_COVERAGE"},
            statements=reading(bucket, key),
        )
        deploys = {
            target.name: self._project(
                f"deploy-{target.name}",
                f"Deploys {target.name}, as far as its bootstrap lets it",
                buildspec="deploy.yml",
                key=key,
                statements=[*reading(bucket, key), assuming(target)],
                variables={"DELIVERY_TARGET": target.name},
            )
            for target in delivery.targets
        }
        DeliveryPipeline(
            self,
            "Pipeline",
            core=core,
            boundary=self.boundary,
            github=delivery.github,
            connection_arn=connection_arn,
            targets=delivery.targets,
            gate=gate,
            deploys=deploys,
            bucket=bucket,
            key=key,
        )

    def _bucket(self, key: kms.Key) -> s3.Bucket:
        return PrivateBucket(
            self,
            "Artifacts",
            placement=self._core.environment.placement,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=cast(kms.IKey, key),
            bucket_key_enabled=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(_ARTIFACT_DAYS),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
        )

    def _review(self, connection_arn: str, key: kms.Key) -> None:
        """Judge pull requests: by roles that reach nothing but their own log and reports."""
        quick = LAMBDA if self._delivery.lambda_tests else CONTAINER
        for part, description, compute, reports in (
            ("review", "Judges a pull request", CONTAINER, {"scan": "TEST"}),
            (
                "tests",
                "Runs the quick tests of a pull request",
                quick,
                {"junit": "TEST", "coverage": "CODE_COVERAGE"},
            ),
            ("suite", "Runs all other tests of a pull request", CONTAINER, {"junit": "TEST"}),
        ):
            self._project(
                part,
                description,
                compute=compute,
                key=key,
                reports=reports,
                statements=[using(connection_arn)],
                source=self._source(connection_arn),
                triggers=_pull_requests(self._delivery.github.branch),
            )

    def _image(self, connection_arn: str, key: kms.Key, base: str) -> None:
        """Build the worker image; a person starts it, for its digest goes into the settings."""
        environment = self._core.environment
        self._project(
            "image",
            f"Builds and pushes the worker image of {environment.name}",
            compute=DOCKER,
            key=key,
            statements=[
                using(connection_arn),
                *image_statements(environment, self._core.registry.repository),
            ],
            source=self._source(connection_arn),
            variables={"DELIVERY_TARGET": environment.name, "BASE": base},
        )

    def _project(
        self,
        part: str,
        description: str,
        *,
        key: kms.Key,
        buildspec: str | None = None,
        compute: Compute = CONTAINER,
        reports: dict[str, str] | None = None,
        statements: Sequence[iam.PolicyStatement] = (),
        **options: Any,
    ) -> BuildProject:
        return BuildProject(
            self,
            f"Build-{part}",
            core=self._core,
            boundary=self.boundary,
            part=part,
            description=description,
            buildspec=buildspec or f"{part}.yml",
            compute=compute,
            key=key,
            reports=reports or {},
            statements=statements,
            **options,
        )

    def _source(self, connection_arn: str) -> codebuild.CfnProject.SourceProperty:
        github = self._delivery.github
        return codebuild.CfnProject.SourceProperty(
            type="GITHUB",
            location=f"https://github.com/{github.owner}/{github.name}.git",
            auth=codebuild.CfnProject.SourceAuthProperty(
                type="CODECONNECTIONS", resource=connection_arn
            ),
            # All of it: the review compares with the branch that a change goes to.
            git_clone_depth=0,
            report_build_status=True,
        )


def _pull_requests(branch: str) -> codebuild.CfnProject.ProjectTriggersProperty:
    """Start with pull requests to one branch; those of forks wait for a maintainer's word."""
    filters = (
        ("EVENT", "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED"),
        ("BASE_REF", f"^refs/heads/{branch}$"),
    )
    return codebuild.CfnProject.ProjectTriggersProperty(
        webhook=True,
        build_type="BUILD",
        filter_groups=[
            [
                codebuild.CfnProject.WebhookFilterProperty(type=kind, pattern=pattern)
                for kind, pattern in filters
            ]
        ],
        pull_request_build_policy=codebuild.CfnProject.PullRequestBuildPolicyProperty(
            requires_comment_approval="FORK_PULL_REQUESTS",
            approver_roles=["GITHUB_ADMIN", "GITHUB_MAINTAIN"],
        ),
    )

"""The image repository: tags that never move, and an image in use that never expires."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import no_strangers

__all__ = ["CANDIDATE_PREFIX", "RELEASE_PREFIX", "WorkerRepository", "scan_registry"]

RELEASE_PREFIX: Final = "release-"
CANDIDATE_PREFIX: Final = "candidate-"

KEPT_RELEASES: Final = 1000
KEPT_CANDIDATES: Final = 20
UNTAGGED_DAYS: Final = 14


class WorkerRepository(ecr.Repository):
    """Images of the worker (S32, S33).

    The task definition pins a digest, and a lifecycle policy knows tags only, so the rule is: an
    image that is deployed carries a ``release-`` tag. ECR never lets a rule expire an image that a
    rule of higher priority covers; the first rule covers all releases and expires none of the
    newest 1,000. Candidates and untagged images are what pushes leave behind; they go.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the images.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=key,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            if placement.retain
            else cdk.RemovalPolicy.DESTROY,
            # CloudFormation cannot delete a repository that holds images otherwise.
            empty_on_delete=None if placement.retain else True,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    rule_priority=1,
                    description="releases are kept, whatever other tags they carry",
                    tag_prefix_list=[RELEASE_PREFIX],
                    max_image_count=KEPT_RELEASES,
                ),
                ecr.LifecycleRule(
                    rule_priority=2,
                    description="the newest candidates are kept",
                    tag_prefix_list=[CANDIDATE_PREFIX],
                    max_image_count=KEPT_CANDIDATES,
                ),
                ecr.LifecycleRule(
                    rule_priority=3,
                    description="untagged images were never released",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(UNTAGGED_DAYS),
                ),
            ],
        )
        self.add_to_resource_policy(
            no_strangers(
                actions=["ecr:*"],
                resources=(),
                placement=placement,
            )
        )


def scan_registry(scope: Construct, construct_id: str) -> ecr.CfnRegistryScanningConfiguration:
    """Scan every image of the account's registry continuously with Inspector.

    The setting is the registry's, one per account and Region; ``scanOnPush`` of the repository is
    the basic scan that remains where this is not set. It outlives its stack, whatever becomes of
    that: to delete it would disable Inspector for the whole account, others' images included
    (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2516).
    """
    scanning = ecr.CfnRegistryScanningConfiguration(
        scope,
        construct_id,
        scan_type="ENHANCED",
        rules=[
            ecr.CfnRegistryScanningConfiguration.ScanningRuleProperty(
                scan_frequency="CONTINUOUS_SCAN",
                repository_filters=[
                    ecr.CfnRegistryScanningConfiguration.RepositoryFilterProperty(
                        filter="*", filter_type="WILDCARD"
                    )
                ],
            )
        ],
    )
    # Not RETAIN_ON_UPDATE_OR_DELETE: a creation that is rolled back would disable Inspector too.
    scanning.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return scanning

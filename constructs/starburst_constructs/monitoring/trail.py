"""The trail: who did what, in files that nobody can change and a log group that can be asked."""

from __future__ import annotations

from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import ServiceRole

__all__ = [
    "AccountTrail",
    "saved_query",
    "trail_arn",
]


class AccountTrail(Construct):
    """A multi-Region trail with validated, encrypted files and its own log group (S24).

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: the trail's; its bucket's policy already names it.
        placement: of the environment.
        bucket: takes the files.
        key: encrypts them.
        log_group: takes the same events, to be asked.
        data_bucket: whose object reads and writes are recorded; None for none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        placement: Placement,
        bucket: s3.Bucket,
        key: kms.Key,
        log_group: logs.ILogGroup,
        data_bucket: s3.IBucket | None,
    ) -> None:
        super().__init__(scope, construct_id)
        role = ServiceRole(
            self,
            "Role",
            service="cloudtrail.amazonaws.com",
            description="Delivers the trail's events to their log group",
            # CloudTrail documents these keys for buckets and keys but not for this role, so they
            # bind where it sends them; iam:PassRole refuses a role of another account anyway.
            conditions={
                "StringEqualsIfExists": {
                    "aws:SourceAccount": placement.account,
                    "aws:SourceArn": trail_arn(name, placement=placement),
                }
            },
            statements=[
                iam.PolicyStatement(
                    sid="OwnLogGroup",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[log_group.log_group_arn],
                )
            ],
        )
        recorded = (
            [
                cloudtrail.CfnTrail.DataResourceProperty(
                    type="AWS::S3::Object", values=[data_bucket.arn_for_objects("")]
                )
            ]
            if data_bucket
            else []
        )
        trail = cloudtrail.CfnTrail(
            self,
            "Resource",
            trail_name=name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            s3_bucket_name=bucket.bucket_name,
            kms_key_id=key.key_arn,
            cloud_watch_logs_log_group_arn=log_group.log_group_arn,
            cloud_watch_logs_role_arn=role.role_arn,
            event_selectors=[
                cloudtrail.CfnTrail.EventSelectorProperty(
                    read_write_type="All",
                    include_management_events=True,
                    data_resources=recorded,
                )
            ],
        )
        # CloudTrail tries to write when the trail is made.
        if bucket.policy:
            trail.node.add_dependency(bucket.policy)


def trail_arn(name: str, *, placement: Placement) -> str:
    """Return the ARN of a trail that may not exist yet."""
    return placement.arn("cloudtrail", f"trail/{name}")


def saved_query(
    scope: Construct, construct_id: str, *, name: str, query: str, log_groups: list[str]
) -> logs.CfnQueryDefinition:
    """Save a Logs Insights query under ``name``; a slash in it makes a folder in the console."""
    return logs.CfnQueryDefinition(
        scope, construct_id, name=name, query_string=query, log_group_names=log_groups
    )

"""All that the trail may ring, counted in one log group: the trail's own, or what is forwarded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.noticed.changes import Makers, deployments, openings
from starburst_constructs.monitoring.noticed.controller_bypass import bypass_filters, metric_name
from starburst_constructs.monitoring.noticed.evidence_changes import (
    evidence_filters,
    evidence_metric,
)
from starburst_constructs.monitoring.noticed.logins import failed_logins
from starburst_constructs.monitoring.noticed.named_trust import trust_changes
from starburst_constructs.monitoring.noticed.patterns import in_detail
from starburst_constructs.monitoring.noticed.reads import strangers
from starburst_constructs.placement import Placement

__all__ = ["Watched", "count_events", "trail_metric"]

_METRICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Openings": "opened-by-hand",
        "Deployments": "opened-by-deployment",
        "Strangers": "objects-touched-by-strangers",
        "Outsiders": "people-outside-trusted-networks",
        "FailedLogins": "failed-logins",
    }
)


def trail_metric(environment: str, alarm: str) -> str:
    """Return the metric in which an alarm's filters count.

    Example:
        >>> trail_metric("prod", "FailedLogins")
        'prod-failed-logins'
    """
    match alarm:
        case "Trespasses":
            return metric_name(environment)
        case "Weakenings":
            return evidence_metric(environment)
        case _:
            return f"{environment}-{_METRICS[alarm]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What of an environment is watched.

    Attributes:
        environment: its name.
        placement: where it is.
        group_id: of the workers' security group.
        subnet_ids: of the workers' subnets.
        key_ids: of the keys that evidence is encrypted with, by what each is called.
        deployer: ARN of the role in which CloudFormation deploys.
        break_glass: ARN of the role that may end keys; None for none.
        trusted: ARNs of others' roles that reach data, and of who vouches for people, as far as
            they are of this account.
        bucket: name of the data bucket; None where nobody records what is read there.
        own_groups: security groups of workspaces with clusters of their own, by workspace.
    """

    environment: str
    placement: Placement
    group_id: str
    subnet_ids: Sequence[str]
    key_ids: Mapping[str, str]
    deployer: str
    break_glass: str | None
    trusted: Sequence[str]
    bucket: str | None
    own_groups: Mapping[str, str] = field(default_factory=dict)

    def filters(self) -> Mapping[str, Mapping[str, str]]:
        """Return the patterns of all filters, by their alarm."""
        makers = Makers.of(self.environment, placement=self.placement, deployer=self.deployer)
        found: dict[str, Mapping[str, str]] = {
            "Trespasses": bypass_filters(
                self.environment,
                placement=self.placement,
                group_id=self.group_id,
                subnet_ids=self.subnet_ids,
                own_groups=self.own_groups,
            ),
            "Weakenings": evidence_filters(
                self.environment,
                key_ids=self.key_ids,
                deployer=self.deployer,
                break_glass=self.break_glass,
            ),
            "Openings": {
                **openings(self.environment, placement=self.placement, makers=makers),
                **trust_changes(self.trusted, by=makers.by_hand),
            },
            "Deployments": {
                **deployments(self.environment, placement=self.placement, makers=makers),
                **trust_changes(self.trusted, by=makers.by_deployment),
            },
            "FailedLogins": failed_logins(),
        }
        if self.bucket is not None:
            found["Strangers"] = strangers(
                self.environment, placement=self.placement, bucket=self.bucket
            )
        return found


def count_events(
    scope: Construct, *, about: Watched, events: logs.ILogGroup, wrapped: bool = False
) -> None:
    """Count, in one metric for each alarm, what a log group's events tell.

    Args:
        scope: parent construct; each alarm has its filters below its name there.
        about: the environment.
        events: log group of the trail's events, or of those that EventBridge passes on.
        wrapped: whether each event stands in ``detail``, as EventBridge has it.
    """
    for alarm, filters in about.filters().items():
        under = Construct(scope, alarm)
        for name, condition in filters.items():
            CountingFilter(
                under,
                name,
                log=events,
                pattern=in_detail(condition) if wrapped else condition,
                metric=trail_metric(about.environment, alarm),
            )

"""Events of a trail that is not the kit's, as EventBridge passes them on into a log group.

EventBridge has an event of CloudTrail only where some trail logs it in this account and Region, and
an object's read or write only where that trail has the bucket's data events
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html). It has
calls of IAM, and logins by the global address, in us-east-1 alone. What the filters look for is the
same as with a trail of the kit's. A rule may not send to an encrypted topic, so a log group it is,
and one keeps there what rang.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.monitoring.noticed.changes import (
    NETWORK_CALLS,
    ROLE_CALLS,
    STACK_CALLS,
)
from starburst_constructs.monitoring.noticed.evidence_changes import EVIDENCE_CALLS
from starburst_constructs.monitoring.noticed.logins import NO_CREDENTIALS
from starburst_constructs.monitoring.noticed.named_trust import PROVIDER_CALLS
from starburst_constructs.monitoring.noticed.reads import PEOPLE
from starburst_constructs.naming import role_arn, role_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant

__all__ = ["ForwardedEvents", "elsewhere_patterns", "outside", "trail_patterns"]

Pattern = Mapping[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST_CHARACTERS: Final = 2048
"""Of an event pattern."""

_NETWORKS: Final = 45
"""So many blocks fit into a pattern beside all else."""

_CALL: Final = "AWS API Call via CloudTrail"
_LOGIN: Final = "AWS Console Sign In via CloudTrail"

_STARTS: Final = (
    *("CreateService", "CreateTaskSet", "ExecuteCommand", "RegisterTaskDefinition", "RunTask"),
    *("StartTask", "UpdateService"),
)


def trail_patterns(
    environment: str,
    *,
    placement: Placement,
    bucket: str | None,
    break_glass: str | None = None,
) -> Mapping[str, Pattern]:
    """Return EventBridge's patterns of all that a filter may count, by the rule.

    Args:
        environment: its name.
        placement: of the environment.
        bucket: name of the data bucket; None where nobody records what is read there.
        break_glass: ARN of the role that may end keys; None for none.
    """
    network = [name for calls in NETWORK_CALLS.values() for name in calls]
    middle = len(network) // 2
    return {
        "NetworkAToM": _calls("ec2", network[:middle]),
        "NetworkNToZ": _calls("ec2", network[middle:]),
        "Roles": _calls("iam", (*ROLE_CALLS, *PROVIDER_CALLS)),
        "Stacks": _calls("cloudformation", STACK_CALLS),
        "Workers": _calls("ecs", _STARTS),
        "Schedules": _api(
            {
                "eventSource": ["events.amazonaws.com", "scheduler.amazonaws.com"],
                "eventName": ["PutTargets", "CreateSchedule", "UpdateSchedule"],
            }
        ),
        **{f"Record{each.title()}": _calls(each, EVIDENCE_CALLS[each]) for each in EVIDENCE_CALLS},
        "RolesNotGiven": _api(
            {"eventSource": ["sts.amazonaws.com"], "errorCode": [{"exists": True}]}
        ),
        **(
            {
                "BreakGlass": _api(
                    {
                        "eventSource": ["sts.amazonaws.com"],
                        "eventName": [{"prefix": "AssumeRole"}],
                        "requestParameters": {"roleArn": [break_glass]},
                    }
                )
            }
            if break_glass is not None
            else {}
        ),
        "Credentials": _api(
            {"errorCode": [{"prefix": code.rstrip("*")} for code in NO_CREDENTIALS]}
        ),
        "Logins": {
            "detail-type": [_LOGIN],
            "detail": {"eventSource": ["signin.amazonaws.com"]},
        },
        "Root": {
            "detail-type": [_CALL, _LOGIN],
            "detail": {"userIdentity": {"type": ["Root"], "invokedBy": [{"exists": False}]}},
        },
        **(_of_objects(environment, placement, bucket) if bucket is not None else {}),
    }


def _of_objects(environment: str, placement: Placement, bucket: str) -> Mapping[str, Pattern]:
    kit = f"{role_arn(environment, '', account=placement.account)}-"
    other = {"type": [{"anything-but": "AWSService"}]}
    foreign = {**other, "sessionContext": {"sessionIssuer": {"arn": [_not(kit)]}}}
    roleless = {**other, "sessionContext": {"sessionIssuer": {"arn": [{"exists": False}]}}}
    source = {"x-amz-copy-source": [{"prefix": f"{bucket}/"}, {"prefix": f"/{bucket}/"}]}
    return {
        "Strangers": _data(bucket, {"userIdentity": foreign}),
        "Roleless": _data(bucket, {"userIdentity": roleless}),
        "Copies": _data(bucket, {"userIdentity": foreign, "requestParameters": source}),
        "RolelessCopies": _data(bucket, {"userIdentity": roleless, "requestParameters": source}),
        "Downloads": _data(
            bucket,
            {
                "eventName": ["GetObject"],
                "errorCode": [{"exists": False}],
                "userIdentity": _people(environment),
            },
        ),
    }


def _not(beginning: str) -> Pattern:
    return {"anything-but": {"prefix": beginning}}


def _people(environment: str) -> Pattern:
    ours = [{"prefix": f"{role_name(environment, purpose)}-"} for purpose in PEOPLE]
    return {"sessionContext": {"sessionIssuer": {"userName": ours}}}


def elsewhere_patterns(
    environment: str, *, bucket: str, trusted: Sequence[str]
) -> Mapping[str, Pattern]:
    """Return EventBridge's patterns of people's calls from outside the networks that are trusted.

    EventBridge knows addresses inside a block and none outside one, so the blocks are all others.

    Args:
        environment: its name.
        bucket: name of the data bucket.
        trusted: public blocks, one or more.
    """
    others = [str(each) for each in outside(trusted)]
    return {
        f"Elsewhere{number}": _data(
            bucket,
            {
                "vpcEndpointId": [{"exists": False}],
                "userIdentity": _people(environment),
                "sourceIPAddress": [{"cidr": each} for each in others[start:][:_NETWORKS]],
            },
        )
        for number, start in enumerate(range(0, len(others), _NETWORKS))
    }


def outside(networks: Iterable[str]) -> Iterator[Network]:
    """Yield the fewest blocks that hold all addresses but those of some networks.

    Example:
        >>> [str(each) for each in outside(["128.0.0.0/2", "::/1"])]
        ['0.0.0.0/1', '192.0.0.0/2', '8000::/1']
    """
    inside = [ipaddress.ip_network(each) for each in networks]
    for whole in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"):
        yield from _without(ipaddress.ip_network(whole), inside)


def _without(block: Network, inside: Sequence[Network]) -> Iterator[Network]:
    near = [each for each in inside if each.version == block.version and each.overlaps(block)]
    if not near:
        yield block
    elif not any(each.prefixlen <= block.prefixlen for each in near):
        for half in block.subnets():
            yield from _without(half, near)


def _api(detail: Pattern) -> Pattern:
    return {"detail-type": [_CALL], "detail": detail}


def _calls(service: str, names: Sequence[str]) -> Pattern:
    wanted = [{"prefix": name[:-1]} if name.endswith("*") else name for name in names]
    return _api({"eventSource": [f"{service}.amazonaws.com"], "eventName": wanted})


def _data(bucket: str, detail: Pattern) -> Pattern:
    return _api(
        {
            "eventSource": ["s3.amazonaws.com"],
            "eventCategory": ["Data"],
            "requestParameters": {"bucketName": [bucket]},
            **detail,
        }
    )


class ForwardedEvents(Construct):
    """A log group of what EventBridge has of a trail.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: of the log group; EventBridge writes into those below ``/aws/events/``.
        key: encrypts it.
        days: for which it is kept.
        placement: of the environment.
        patterns: by rule.
        buses: names of further buses whose events are passed on as well, by a short name of each;
            they must be there before.

    Attributes:
        log: has one event a line, its trail's event in ``detail``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.Key,
        days: int,
        placement: Placement,
        patterns: Mapping[str, Pattern],
        buses: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(scope, construct_id)
        self.log = EncryptedLogGroup(
            self, "Log", key=key, days=days, placement=placement, name=name
        )
        streams = placement.arn("logs", f"log-group:{name}:*")
        document = iam.PolicyDocument(
            statements=[
                service_grant(
                    sid,
                    service,
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[streams],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": placement.account},
                        "ArnLike": {"aws:SourceArn": placement.arn("events", "rule/*")},
                    },
                )
                for sid, service in (
                    ("EventsWrite", "events.amazonaws.com"),
                    ("DeliveryWrites", "delivery.logs.amazonaws.com"),
                )
            ]
        )
        admitted = logs.CfnResourcePolicy(
            self,
            "Admitted",
            policy_name=name.strip("/").replace("/", "-"),
            policy_document=json.dumps(document.to_json()),
        )
        rules = Construct(self, "Rules")
        for rule, pattern, bus in (
            *((rule, pattern, None) for rule, pattern in patterns.items()),
            *(
                (f"{short}{rule}", pattern, bus)
                for short, bus in buses.items()
                for rule, pattern in patterns.items()
            ),
        ):
            made = events.CfnRule(
                rules,
                rule,
                description=f"Starburst: {rule}, for the alarms",
                event_bus_name=bus,
                event_pattern=pattern,
                # Root's reads ring too, and a login is no change.
                state="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
                targets=[
                    events.CfnRule.TargetProperty(
                        id="Log", arn=placement.arn("logs", f"log-group:{name}")
                    )
                ],
            )
            # What it sends before it may is lost.
            made.add_resource_dependency(admitted)
            made.node.add_dependency(self.log)

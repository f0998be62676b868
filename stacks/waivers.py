"""Every exception to the gate: what, where, why, who answers for it, and until when.

A path is below the environment. An exception that no finding needs fails the synthesis, and so
does one whose last day has passed; then fix the finding, or decide again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from stacks.audit import hears_elsewhere
from stacks.settings import Environment
from stacks.settings.addon import Addon
from stacks.settings.validation import KEPT_A_YEAR_DAYS
from starburst_assurance.waivers import Waiver

__all__ = ["decision", "waivers"]

OWNER: Final = "platform team"
REVIEW: Final = date(2027, 11, 30)
"""The yearly review: everything below is decided again by then."""

_RULES_OF: Final = {
    "AwsSolutions": "AwsSolutions-",
    "ControlTower": "CT.",
    "HIPAA.Security": "HIPAA.Security-",
    "NIST.800-53.R5": "NIST.800.53.R5-",
    "PCI.DSS.321": "PCI.DSS.321-",
}
"""How the ids of each pack's rules begin."""

_OURS: Final = "starburst-"
"""How those of our own begin, which judge every environment."""

_LOGS: Final = "storage/AccessLogs/Resource"
_DATA: Final = "storage/Data/Resource"
_TRAIL: Final = "audit/Files/Resource"


def waivers(environment: Environment, *, addons: Sequence[Addon] = ()) -> tuple[Waiver, ...]:
    """Return the exceptions that hold in ``environment``, for the packs that judge it.

    Args:
        environment: whose core stacks are judged.
        addons: those that it has, which bring exceptions of their own.
    """
    begins = (_OURS, *(_RULES_OF[pack] for pack in environment.packs))
    wanted = (
        *_network(environment),
        *_storage(environment),
        *_work(environment),
        *(each for addon in addons for each in addon.waivers(environment)),
    )
    kept = (
        replace(each, rules=tuple(rule for rule in each.rules if rule.startswith(begins)))
        for each in wanted
    )
    return tuple(each for each in kept if each.rules)


def decision(rules: Sequence[str], resources: Sequence[str], reason: str) -> Waiver:
    """Return a decision of the platform team, which holds until the yearly review."""
    return Waiver(
        rules=tuple(rules), resources=tuple(resources), reason=reason, owner=OWNER, expires=REVIEW
    )


def _regulated(rule: str) -> tuple[str, ...]:
    """Return the ids of a rule that three packs have."""
    return tuple(
        f"{_RULES_OF[pack]}{rule}" for pack in ("HIPAA.Security", "NIST.800-53.R5", "PCI.DSS.321")
    )


def _network(environment: Environment) -> Iterator[Waiver]:
    if environment.network.egress == "nat":
        yield decision(
            [f"{_OURS}open-egress"],
            [
                "network/Workers/Resource",
                *(f"network/Workers-{name}/Resource" for name in environment.own_clusters),
            ],
            "The environment asks for egress 'nat': workers may call the internet over HTTPS, "
            "through its NAT gateways; the controller's group stays closed.",
        )
    if environment.network.existing is None:
        yield decision(
            _regulated("VPCDefaultSecurityGroupClosed"),
            ["network/Vpc/Resource"],
            "A State Manager association empties the default group at once and every day; "
            "the rule knows only the custom resource of the CDK.",
        )
        if environment.network.egress == "nat":
            yield decision(
                _regulated("VPCNoUnrestrictedRouteToIGW"),
                [
                    f"network/Vpc/natSubnet{number}/DefaultRoute"
                    for number in range(1, environment.network.zones + 1)
                ],
                "The environment asks for a way out, and these are the subnets of its NAT gateways "
                "alone; workers' subnets have no internet gateway and no public addresses.",
            )
            zones = range(1, environment.network.zones + 1)
            yield decision(
                [f"{_OURS}way-out"],
                [
                    "network/Vpc/IGW",
                    *(f"network/Vpc/natSubnet{number}/DefaultRoute" for number in zones),
                    *(f"network/Vpc/natSubnet{number}/NATGateway" for number in zones),
                    *(f"network/Vpc/workersSubnet{number}/DefaultRoute" for number in zones),
                ],
                "The environment asks for egress 'nat', the one explicit way out: what workers "
                "send to the internet leaves through its NAT gateways.",
            )


def _storage(environment: Environment) -> Iterator[Waiver]:
    buckets = [_LOGS, _DATA, *([_TRAIL] if environment.audit.trail else [])]
    yield decision(
        _regulated("S3BucketReplicationEnabled"),
        buckets,
        "S3 keeps objects in three zones and versions guard against deletion; a second copy "
        "in another Region would leave allowed_regions and double what erasure must reach.",
    )
    yield decision(
        ["CT.S3.PR.4"],
        buckets,
        "An event for each object would cost a message per result, and nothing waits for one; "
        "reads and writes are on record in the trail's data events.",
    )
    yield decision(
        [*_regulated("S3DefaultEncryptionKMS"), "CT.S3.PR.10", "CT.S3.PR.2", "CT.S3.PR.9"],
        [_LOGS],
        "S3 delivers server access logs only to a bucket with SSE-S3 and without default "
        "retention, and one that logs to itself never ends; they hold no object content.",
    )
    if environment.audit.trail and not environment.production:
        yield decision(
            ["CT.S3.PR.9"],
            [_TRAIL],
            "A test's trail is no evidence, and goes when its environment does.",
        )
    if environment.storage.encryption == "kms:dsse":
        yield decision(
            _regulated("S3DefaultEncryptionKMS"),
            [_DATA],
            "The bucket encrypts twice (aws:kms:dsse) with our key; the rule knows only aws:kms.",
        )


def _work(environment: Environment) -> Iterator[Waiver]:
    tasks = [
        f"compute/Task-{workspace.name}{which}/Resource"
        for workspace in environment.workspaces
        for which in ("", *(f"-{name}" for name in environment.other_architectures))
    ]
    yield decision(
        ["AwsSolutions-ECS2"],
        tasks,
        "The container's variables are names of the environment, workspace, bucket and key; "
        "secrets reach a worker sealed by KMS, and a test refuses any other variable.",
    )
    yield decision(
        ["CT.ECS.PR.7"],
        tasks,
        "A Fargate task has one container and its own kernel, so the task's memory is the limit; "
        "a container's own would contradict the size that a session asks for.",
    )
    yield decision(
        ["CT.ECS.PR.2"],
        [
            "compute/Cluster/Resource",
            *(f"compute/Cluster-{name}/Resource" for name in environment.own_clusters),
        ],
        "Container Insights is on in its newer form, enhanced; the rule knows only enabled.",
    )
    if environment.network.while_bursting:
        yield decision(
            [*_regulated("LambdaInsideVPC"), "CT.LAMBDA.PR.3"],
            ["control/Controller/Resource"],
            "The environment asks for endpoints while bursting only: inside the VPC the controller "
            "could not open them. It runs our code alone, reads no data, and is refused for "
            "restricted data.",
        )
    yield decision(
        ["CT.SQS.PR.1"],
        ["control/Failures/Resource"],
        "It is itself the controller's dead-letter queue; an alarm rings when a message arrives.",
    )
    forwarded = [
        *([] if environment.audit.trail else ["control/Forwarded"]),
        *(["control/Elsewhere"] if hears_elsewhere(environment) else []),
    ]
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        logs = [
            *(f"{each}/Log/Resource" for each in forwarded),
            "compute/ExecLog/Resource",
            "compute/Insights/Resource",
            *(f"compute/Insights-{name}/Resource" for name in environment.own_clusters),
            "control/Log/Resource",
            *(f"compute/Log-{workspace.name}/Resource" for workspace in environment.workspaces),
            *(["network/Flows/Resource"] if environment.network.existing is None else []),
            *(["audit/Events/Resource"] if environment.audit.trail else []),
        ]
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            logs,
            "A test environment holds no restricted data, and nobody has to account for its logs "
            "after a year; production keeps them for a year or more, or is refused.",
        )

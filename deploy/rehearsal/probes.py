"""What questions make beside the stacks, and how it goes whatever became of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from deploy.incident.command import Clients
from deploy.rehearsal.asking.clock import Clock
from starburst.aws.calls import QUEUE_GONE, code_of

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["ENVIRONMENT_TAG", "PROBE_TAG", "QUEUES", "clear", "probe_queue", "remove_endpoints"]

ENVIRONMENT_TAG: Final = "starburst:environment"
PROBE_TAG: Final = "starburst:first-day"
"""Of endpoints that belong to no stack."""

QUEUES: Final = 5
"""Queues that one question makes."""

_GONE: Final = 300.0
_EVERY: Final = 5.0


def probe_queue(environment: str, number: int) -> str:
    """Return the name of a queue that is no session's: it has one dash too few.

    Example:
        >>> probe_queue("dev", 1)
        'starburst-dev-probe1'
    """
    return f"starburst-{environment}-probe{number}"


def remove_endpoints(ids: list[str], clients: Clients, *, clock: Clock) -> bool:
    """Delete endpoints and wait until they are gone: their interfaces hold the subnets.

    Args:
        ids: of the endpoints.
        clients: of the account.
        clock: the time.
    """
    if not ids:
        return True
    ec2 = clients("ec2")
    ec2.delete_vpc_endpoints(VpcEndpointIds=ids)

    def gone() -> bool:
        named = [{"Name": "vpc-endpoint-id", "Values": ids}]
        found = ec2.describe_vpc_endpoints(Filters=named)["VpcEndpoints"]
        left = [each for each in found if each["VpcEndpointId"] in ids]
        return all(str(each["State"]).lower() == "deleted" for each in left)

    return clock.until(gone, within=_GONE, every=_EVERY) is not None


def clear(environment: Environment, clients: Clients, *, clock: Clock) -> None:
    """Take away what a first day that was killed may have left beside its stacks."""
    found = clients("ec2").describe_vpc_endpoints(
        Filters=[
            {"Name": f"tag:{ENVIRONMENT_TAG}", "Values": [environment.name]},
            {"Name": "tag-key", "Values": [PROBE_TAG]},
        ]
    )["VpcEndpoints"]
    there = [each for each in found if str(each["State"]).lower() not in ("deleting", "deleted")]
    remove_endpoints([each["VpcEndpointId"] for each in there], clients, clock=clock)
    sqs = clients("sqs")
    for number in range(QUEUES):
        try:
            url = sqs.get_queue_url(QueueName=probe_queue(environment.name, number))["QueueUrl"]
            sqs.delete_queue(QueueUrl=url)
        except ClientError as error:
            if code_of(error) not in QUEUE_GONE:
                raise

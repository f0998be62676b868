"""The key of job metrics: opened to the roles that count, write and read them, and to no other."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant
from starburst_constructs.storage.keys import Keepers, NamedKey

__all__ = ["JobsKey"]


class JobsKey(NamedKey):
    """Encrypts job metrics: the ledger in DynamoDB, the queue before it, and the files after it.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        principals: ARNs of the roles that alone use it.
        keepers: keep the key whatever becomes of its stack, by their hands; None to delete it then.
    """

    _about = "Starburst: job metrics"

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        principals: Sequence[str],
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope, construct_id, placement=placement, principals=principals, keepers=keepers
        )
        self.add_to_resource_policy(
            service_grant(
                "EventsSend",
                "events.amazonaws.com",
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                conditions={"StringEquals": {"aws:SourceAccount": placement.account}},
            )
        )

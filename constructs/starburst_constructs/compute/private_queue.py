"""A queue as all of ours are: encrypted by our key, over TLS only, and shut to other accounts."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import no_strangers

__all__ = ["PrivateQueue"]


class PrivateQueue(sqs.Queue):
    """A queue that goes with its stack, and what none of ours may lack.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name.
        key: encrypts it.
        placement: of the environment.
        kwargs: more of ``aws_sqs.Queue``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.Key,
        placement: Placement,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            queue_name=name,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=cast(kms.IKey, key),
            enforce_ssl=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            **kwargs,
        )
        self.add_to_resource_policy(
            no_strangers(actions=["sqs:*"], resources=[self.queue_arn], placement=placement)
        )

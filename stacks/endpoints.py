"""The interface endpoints of one environment, which the session controller may open and close."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.network import NetworkStack
from stacks.settings import Environment
from starburst_constructs.identity.endpoint_opening import BURST_TAG
from starburst_constructs.network.endpoints import InterfaceEndpoints

__all__ = ["EndpointsStack"]


class EndpointsStack(cdk.Stack):
    """The only stack that is updated between deployments: its one parameter, its template never.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose endpoints these are.
        network: for the VPC, its subnets and the endpoints' group.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        network: NetworkStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            # The rule would add an SSM parameter to the template, which each update of the
            # stack would need permission to read. The CLI checks the bootstrap's version by itself.
            synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
            **kwargs,
        )
        InterfaceEndpoints(
            self,
            "Endpoints",
            vpc=network.vpc,
            subnets=network.subnet_selection,
            group=network.endpoints_group,
            placement=environment.placement,
            while_bursting=environment.network.while_bursting,
            hosts=environment.capacity is not None,
            fips=environment.fips,
            clients=bool(environment.network.client_groups),
            secrets=environment.has_secrets,
        )
        if environment.network.while_bursting:
            cdk.Tags.of(self).add(BURST_TAG, environment.name)

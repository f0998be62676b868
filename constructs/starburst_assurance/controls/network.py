"""Controls of the network: no way in, and no way out but to our own resources."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Area, Control

__all__ = ["NETWORK"]

_YOURS: Final = "how-to/do-what-stays-yours.md"

NETWORK: Final = (
    Control(
        name="no-internet",
        title="Workers are in isolated subnets of two zones or more, without a way to the internet",
        area=Area.NETWORK,
        rows=("S12", "S13"),
        fsbp=("EC2.15", "ECS.2", "ECS.16"),
        nag=("VPCSubnetAutoAssignPublicIpDisabled", "VPCNoUnrestrictedRouteToIGW"),
        guard=("CT.EC2.PR.11",),
        rules=("public-address", "way-out"),
        tests=("tests/stacks/test_network.py::test_there_is_no_way_to_the_internet",),
    ),
    Control(
        name="endpoints",
        title="AWS is reached through endpoints that serve our principals and our resources only",
        area=Area.NETWORK,
        rows=("S13", "S15", "S16", "S17", "S18"),
        fsbp=("EC2.10", "EC2.55", "EC2.56"),
        nist=("SC-7",),
        rules=("open-endpoint",),
        theorems=("nothing_leaves_through_an_endpoint", "endpoints_refuse_strangers"),
        tests=(
            "tests/stacks/test_network.py::test_every_service_has_an_endpoint_with_private_names",
            "tests/stacks/test_network.py::test_s3_has_a_gateway_in_every_route_table",
        ),
    ),
    Control(
        name="fips-endpoints",
        title="In FIPS mode workers, controller and clients call FIPS endpoints only, but for ECS",
        area=Area.NETWORK,
        rows=("P13",),
        nist=("SC-8", "SC-13"),
        tests=(
            "tests/stacks/test_fips.py::test_workers_call_fips_hosts_that_the_vpc_has",
            "tests/stacks/test_fips.py::test_the_controller_calls_hosts_that_it_can_reach",
            "tests/stacks/test_fips.py::test_clients_learn_it_from_the_runtime_document",
            "tests/settings/test_refusals.py::test_a_wrong_value_is_refused_in_one_sentence",
        ),
        yours=(f"{_YOURS}#know-what-fips-mode-covers",),
        kinds=("AWS::EC2::VPCEndpoint", "AWS::ECS::TaskDefinition", "AWS::Lambda::Function"),
    ),
    Control(
        name="closed-groups",
        title="Nothing reaches a worker, and a worker reaches endpoints on 443 only",
        area=Area.NETWORK,
        rows=("S14", "G6", "G7"),
        fsbp=("EC2.13", "EC2.14", "EC2.18", "EC2.19"),
        cis=("5.3", "5.4"),
        nag=(
            "AwsSolutions-EC23",
            "AwsSolutions-EC27",
            "EC2RestrictedCommonPorts",
            "EC2RestrictedSSH",
        ),
        rules=("open-egress",),
        tests=("tests/stacks/test_network.py::test_no_rule_names_the_whole_internet",),
    ),
    Control(
        name="names-and-queues",
        title="What the resolver answers, and queues that a stolen controller might open",
        area=Area.NETWORK,
        rows=("S14",),
        nist=("SC-7",),
        yours=(
            f"{_YOURS}#close-the-way-out-by-names",
            f"{_YOURS}#refuse-queues-that-are-open-to-others",
        ),
    ),
    Control(
        name="default-group",
        title="The VPC's default security group has no rule",
        area=Area.NETWORK,
        rows=("S14",),
        fsbp=("EC2.2",),
        cis=("5.5",),
        nag=("VPCDefaultSecurityGroupClosed",),
        tests=("tests/stacks/test_network.py::test_the_default_group_is_emptied_every_day",),
    ),
    Control(
        name="flow-logs",
        title="Every flow is logged, accepted or refused",
        area=Area.NETWORK,
        rows=("P18", "S12"),
        fsbp=("EC2.6",),
        cis=("3.7",),
        nag=("VPCFlowLogsEnabled", "AwsSolutions-VPC7"),
        rules=("mistaken-log-arn",),
        tests=(
            "tests/stacks/test_network.py::test_every_flow_is_logged_with_where_it_really_went",
        ),
    ),
    Control(
        name="stolen-credentials",
        title="Stolen credentials of a worker or the controller are of no use outside the VPC",
        area=Area.NETWORK,
        rows=("S11", "G6"),
        nist=("AC-4", "SC-7"),
        theorems=(
            "stolen_credentials_do_nothing_elsewhere",
            "stolen_worker_credentials_are_worthless",
        ),
        kinds=("AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy"),
    ),
    Control(
        name="trusted-networks",
        title="Where networks are named, an analyst's credentials are of no use outside them",
        area=Area.NETWORK,
        rows=("G6",),
        nist=("AC-3", "AC-17"),
        theorems=(
            "people_come_from_trusted_networks",
            "analysts_can_work_from_each_trusted_network",
        ),
        tests=(
            "tests/proofs/test_variants.py::test_analysts_work_from_trusted_networks_only",
            "tests/settings/test_refusals.py::test_a_wrong_value_is_refused_in_one_sentence",
        ),
        kinds=("AWS::IAM::ManagedPolicy",),
    ),
    Control(
        name="account-block",
        title="VPC Block Public Access, where the account has no other use",
        area=Area.NETWORK,
        rows=("S12",),
        fsbp=("EC2.172",),
        tests=(
            "tests/stacks/test_network.py::test_internet_gateways_can_be_shut_for_the_whole_account",
        ),
        yours=(f"{_YOURS}#switch-on-what-belongs-to-the-account",),
        kinds=("AWS::EC2::VPCBlockPublicAccessOptions",),
    ),
)
"""Ways in and out."""

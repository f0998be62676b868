"""Every variant is deployed into one local account by the real CDK CLI, and carries a burst.

An organization that bootstrapped CDK under a name of its own brings VPCs and a boundary along.
"""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Network
from typing import Any, Final

import pytest

import starburst
from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.checks.groups import refuse_groups, wrong_groups
from deploy.tools.local import DIFFERENCES, Deployment
from environments import LOCAL
from stacks.settings import Environment, ExistingVpc, Workspace
from starburst.errors import StarburstError
from starburst.local import LocalEnvironment
from starburst_constructs.network.s3_addresses import S3_PREFIX_LISTS
from tests.some import some
from tests.variants import BOUNDARY, QUALIFIER, VARIANTS, synthesize_variants

GUARD_SECONDS = 900
"""A guard against what hangs, never a verdict."""

pytestmark = pytest.mark.timeout(GUARD_SECONDS)

LACKING: Final = {
    "it is called local, in the emulator's account and Region": {
        *("account", "region", "allowed_regions", "identity", "data_role_arns"),
    },
    "no EC2 hosts, no FIPS endpoints, no organization": {
        *("capacity", "fips", "organization_id", "trusted_cidrs", "trusted_vpcs"),
    },
    "no named zones and no setting of the whole account": {"shared", "network"},
    "workers run under this interpreter": {"python"},
    "no rule of Contributor Insights": {"audit"},
    "nothing judges it": {"packs", "without"},
}
"""What the emulator cannot be, by the sentence that ``deploy local up --like`` prints."""

PARTLY: Final = {"audit", "network", "python"}
"""Of these, fields that have a value all the same."""

OTHERWISE: Final = {"permissions_boundary", "network", "workspaces"}
"""What is there under another id: a boundary, VPCs; and a workspace beside one that drains."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """One account with all of them.

    Attributes:
        local: the emulator.
        environments: as they were deployed.
    """

    local: LocalEnvironment
    environments: Sequence[Environment]


def likeness(variant: Environment, local: LocalEnvironment) -> Environment:
    """Return a variant as far as the emulator can be it, with what its organization owns there."""
    as_local = {name for names in LACKING.values() for name in names} - PARTLY
    boundary = variant.permissions_boundary
    made = replace(
        variant,
        permissions_boundary=boundary and boundary.replace(variant.account, local.account),
        **{name: getattr(LOCAL, name) for name in as_local},
        network=replace(variant.network, named_zones=(), s3_prefix_list=None),
        audit=replace(variant.audit, person_gb_per_hour=None, person_objects_per_hour=None),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        workspaces=tuple(workspaces(variant)),
    )
    if made.network.existing is not None:
        existing = vpc_of(local, made.network.existing, made.network.block)
        made = replace(made, network=replace(made.network, existing=existing))
    return made


def workspaces(variant: Environment) -> Iterator[Workspace]:
    """Yield those of a variant, without what others own; one that drains stands beside itself."""
    for one in variant.workspaces:
        reads = tuple(
            each for each in one.reads if isinstance(each, str) or each.owner != "organization"
        )
        # A secret is of the account whose workers read it; ``tests/e2e`` deploys one.
        yield replace(one, reads=reads, secrets=(), draining=False)
        if one.draining:
            yield replace(one, reads=reads, secrets=(), name=f"{one.name}drains")


def vpc_of(local: LocalEnvironment, existing: ExistingVpc, block: IPv4Network) -> ExistingVpc:
    """Make a VPC that its owner has, and return it by its ids."""
    ec2 = local.client(local.platform_session(), "ec2")
    vpc = ec2.create_vpc(CidrBlock=str(block))["Vpc"]["VpcId"]
    blocks = block.subnets(prefixlen_diff=2)
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=str(next(blocks)), AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for zone in ("eu-west-1a", "eu-west-1b")
    )
    tables = tuple(ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in subnets)
    made = replace(existing, vpc_id=vpc, subnet_ids=subnets, route_table_ids=tables)
    if existing.worker_security_group_id:
        workers, endpoints = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
            for name in ("workers", "endpoints")
        )
        everywhere = ec2.describe_security_groups(GroupIds=[workers])["SecurityGroups"][0]
        ec2.revoke_security_group_egress(
            GroupId=workers, IpPermissions=everywhere["IpPermissionsEgress"]
        )
        https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        out = (
            {**https, "UserIdGroupPairs": [{"GroupId": endpoints}]},
            {**https, "PrefixListIds": [{"PrefixListId": S3_PREFIX_LISTS[local.region]}]},
        )
        ec2.authorize_security_group_egress(GroupId=workers, IpPermissions=[*out])
        made = replace(
            made, worker_security_group_id=workers, endpoints_security_group_id=endpoints
        )
    if existing.endpoints == "create":
        return made
    gateway = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3", RouteTableIds=[*tables]
    )
    group = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)
    return replace(
        made,
        s3_endpoint_id=gateway["VpcEndpoint"]["VpcEndpointId"],
        endpoints_security_group_id=group["GroupId"],
    )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """All of them, in one synthesis and one run of the CDK CLI."""
    outdir = tmp_path_factory.mktemp("variants")
    with LocalEnvironment() as local:
        iam = local.client(local.platform_session(), "iam")
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.create_policy(
            PolicyName=BOUNDARY.rpartition("/")[2],
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        first, *others = (likeness(variant, local) for variant in VARIANTS)
        # What their one account has once has one owner.
        made = (first, *(replace(one, shared=None) for one in others))
        synthesize_variants(outdir, validate=False, variants=made)
        deployment = Deployment(local=local, outdir=outdir)
        place = f"aws://{local.account}/{local.region}"
        deployment.cdk(
            "bootstrap", place, "--qualifier", QUALIFIER, "--toolkit-stack-name", "Theirs"
        )
        deployment.cdk(
            *("deploy", "*/*", "--app", str(outdir), "--require-approval", "never"),
            *("--method", "direct", "--concurrency", "4", "--progress", "events"),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", local.endpoint)
            patch.setenv("AWS_CA_BUNDLE", str(local.ca_bundle))
            yield Deployed(local=local, environments=made)


def test_each_variant_carries_a_burst(deployed: Deployed) -> None:
    for environment, workspace in some(
        (one, workspace)
        for one in deployed.environments
        for workspace in (one.workspaces[0].name, *one.own_clusters[:1])
    ):
        aws = deployed.local.analyst_session(
            user="alice", workspace=workspace, environment=environment.name
        )
        here = starburst.connect(environment.name, workspace, aws=aws, user="alice")
        found = starburst.map(
            operator.neg, [1, 2, 3], environment=here, workers=1, cpu=0.25, memory=0.5
        )
        assert found == [-1, -2, -3], environment.name


def test_groups_of_the_owner_are_looked_at_in_ec2(deployed: Deployed) -> None:
    """As ``deploy.up`` does; with a rule more, it refuses."""
    local = deployed.local
    session = local.platform_session()
    (center,) = (
        one
        for one in deployed.environments
        if one.network.existing and one.network.existing.worker_security_group_id
    )
    assert center.network.existing is not None

    def client(service: str) -> Any:
        return local.client(session, service)

    assert [*wrong_groups(center, client)] == []
    more = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    rule = {
        "GroupId": center.network.existing.worker_security_group_id,
        "IpPermissions": [more],
    }
    client("ec2").authorize_security_group_egress(**rule)
    with pytest.raises(LifecycleError, match=r"lets out to 0\.0\.0\.0/0 by every protocol"):
        refuse_groups(center, client)
    client("ec2").revoke_security_group_egress(**rule)


def test_one_that_drains_takes_no_session(deployed: Deployed) -> None:
    mfa = deployed.environments[0]
    drains = next(one.name for one in mfa.workspaces if one.draining)
    aws = deployed.local.analyst_session(user="alice", workspace=drains, environment=mfa.name)
    here = starburst.connect(mfa.name, drains, aws=aws, user="alice")
    with pytest.raises(StarburstError, match="drain"):
        starburst.map(operator.neg, [1], environment=here, workers=1, cpu=0.25, memory=0.5)


def test_who_is_apart_runs_in_a_cluster_and_a_group_of_its_own(deployed: Deployed) -> None:
    local = deployed.local
    session = local.platform_session()
    ecs: Any = local.client(session, "ecs")
    [environment] = [one for one in deployed.environments if one.own_clusters]
    name = f"starburst-{environment.name}"
    [apart, idle] = environment.own_clusters

    def families(cluster: str) -> set[str]:
        arns = ecs.list_tasks(cluster=cluster)["taskArns"]
        found = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        return {one["taskDefinitionArn"].rpartition("/")[2].partition(":")[0] for one in found}

    aws = local.analyst_session(user="alice", workspace=apart, environment=environment.name)
    here = starburst.connect(environment.name, apart, aws=aws, user="alice")
    with starburst.Executor(environment=here, workers=1, cpu=0.25, memory=0.5) as executor:
        assert executor.submit(operator.neg, 1).result() == -1
        assert families(f"{name}-{apart}") == {f"{name}-{apart}"}
        assert families(f"{name}-{idle}") == set()
        assert f"{name}-{apart}" not in families(name)
    ssm: Any = local.client(session, "ssm")
    ids = {
        ssm.get_parameter(Name=f"/starburst/{environment.name}/groups/{one}")["Parameter"]["Value"]
        for one in environment.own_clusters
    }
    assert len(ids) == len(environment.own_clusters)


def test_what_the_emulator_lacks_of_them_is_told(deployed: Deployed) -> None:
    assert all(any(said.startswith(begins) for said in DIFFERENCES) for begins in LACKING)
    for made, variant in zip(some(deployed.environments), VARIANTS, strict=True):
        otherwise = {
            field.name
            for field in fields(variant)
            if getattr(made, field.name) != getattr(variant, field.name)
        }
        assert otherwise <= set().union(OTHERWISE, *LACKING.values())


def test_what_is_told_of_a_variant_is_there(deployed: Deployed) -> None:
    """A NAT gateway, VPCs of their owner, a boundary of theirs, and no bucket by another name."""
    local = deployed.local
    session = local.platform_session()
    ec2, iam = local.client(session, "ec2"), local.client(session, "iam")
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    assert len(gateways) == 3
    theirs = {one.network.existing.vpc_id for one in deployed.environments if one.network.existing}
    own = {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
    assert len(some(theirs)) == 2
    assert theirs < own
    formation: Any = local.client(session, "cloudformation")
    stacks = {one["StackName"] for one in formation.describe_stacks()["Stacks"]}
    for one in some(deployed.environments):
        assert (f"starburst-{one.name}-endpoints" in stacks) == (
            one.network.existing is None or one.network.existing.endpoints == "create"
        )
    assert "CDKToolkit" not in stacks
    assert iam.get_role(RoleName="starburst-mfa-worker-sandbox")["Role"]["PermissionsBoundary"]

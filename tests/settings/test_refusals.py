"""Every rule of the settings has a value that breaks it, and the sentence that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stacks.settings import (
    AcceptedRisk,
    Audit,
    BrokerRole,
    Environment,
    ExistingVpc,
    MfaUsers,
    Network,
    Rates,
    SamlProvider,
    SettingsError,
    Storage,
    Workspace,
)
from starburst.contract import Limits


def workspace(**changes: Any) -> Workspace:
    return Workspace(**{"name": "genomics", "budget_emails": ("team@example.com",), **changes})


def environment(**changes: Any) -> Environment:
    sound: dict[str, Any] = {
        "name": "prod",
        "account": "222233334444",
        "region": "eu-west-1",
        "allowed_regions": ("eu-west-1", "eu-central-1"),
        "purpose": "production",
        "data_class": "restricted",
        "identity": SamlProvider(arn="arn:aws:iam::222233334444:saml-provider/company"),
        "workspaces": (workspace(),),
        "alert_emails": ("platform@example.com",),
        "break_glass_role_arn": "arn:aws:iam::222233334444:role/break-glass",
    }
    own = {**sound, **changes}
    if own["purpose"] == "test" and "break_glass_role_arn" not in changes:
        own["break_glass_role_arn"] = None
    return Environment(**own)


def existing(**changes: Any) -> ExistingVpc:
    sound: dict[str, Any] = {
        "vpc_id": "vpc-0a1b2c3d",
        "subnet_ids": ("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
        "route_table_ids": ("rtb-0a1b2c3d", "rtb-0a1b2c3d"),
    }
    return ExistingVpc(**{**sound, **changes})


def limits(**changes: Any) -> Workspace:
    return workspace(limits=Limits(**changes))


TAKEN = AcceptedRisk(risk="way-out", reason="A registry abroad is asked; M. Roe.")

RATES = Rates(x86_vcpu_hour=0.05, x86_gb_hour=0.005, scratch_gb_hour=0.00013)

REFUSALS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "a risk that is none": (
        AcceptedRisk,
        {"risk": "everything", "reason": "It will be fine; M. Roe said so."},
        "accepted_risks is 'everything'; allowed: analysts-anywhere, broker-names-anybody, "
        "data-outside-switzerland, endpoints-of-others, long-lived-keys, no-security-contact, "
        "pickled-results, reads-of-others, record-can-be-erased, record-of-others, "
        "second-factor-elsewhere, way-out.",
    ),
    "a risk that is taken without a reason": (
        AcceptedRisk,
        {"risk": "way-out", "reason": "ok"},
        "reason of accepted risk way-out is 'ok'; allowed: 20 characters or more that say why, "
        "and who decided.",
    ),
    "a risk that is taken twice": (
        environment,
        {"accepted_risks": (TAKEN, TAKEN)},
        "environment prod: accepted_risks is 'way-out'; allowed: each value once.",
    ),
    "a risk by its name alone": (
        environment,
        {"accepted_risks": ("way-out",)},
        "environment prod: accepted_risks is ('way-out',); allowed: a tuple, such as "
        "(AcceptedRisk(…),).",
    ),
    "alerts that reach nobody": (
        environment,
        {"alert_emails": ()},
        "environment prod: alert_emails is (); allowed: one address or more in production.",
    ),
    "an alert address that is none": (
        environment,
        {"alert_emails": ("platform",)},
        "environment prod: alert_emails is 'platform'; allowed: e-mail addresses such as",
    ),
    "an address that is not in a tuple": (
        environment,
        {"alert_emails": "platform@example.com"},
        "environment prod: alert_emails is 'platform@example.com'; allowed: a tuple, such as "
        '("…",).',
    ),
    "nobody to ask who comes": (environment, {"identity": None}, "identity is None; allowed: Saml"),
    "one workspace for several": (environment, {"workspaces": workspace()}, "a tuple, such as (W"),
    "a block for a network": (environment, {"network": "10.0.0.0/20"}, "allowed: Network(…)."),
    "tags by name": (environment, {"tags": {"team": "a"}}, 'a tuple, such as (("…", "…"),).'),
    "a number for limits": (workspace, {"limits": 5}, "limits is 5; allowed: Limits(…)."),
    "an id for an existing VPC": (
        Network,
        {"existing": "vpc-0a1b2c3d"},
        "network.existing is 'vpc-0a1b2c3d'; allowed: ExistingVpc(…) or None.",
    ),
    "a word for a trail": (Audit, {"trail": "yes"}, "audit.trail is 'yes'; allowed: True or False"),
    "an alert address twice": (environment, {"alert_emails": ("a@b.example",) * 2}, "once"),
    "too many alert addresses": (
        environment,
        {"alert_emails": tuple(f"p{number}@example.com" for number in range(11))},
        "number of alert_emails of environment prod is 11; allowed: a whole number, 0 to 10.",
    ),
    **{
        f"data in the partition of {region}": (
            environment,
            {"region": region, "allowed_regions": (region,)},
            f"environment prod: allowed_regions is '{region}'; allowed: regions of the partition "
            "aws: others have other ARNs and keep keys elsewhere.",
        )
        for region in (
            *("cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1"),
            *("us-isof-south-1", "eu-isoe-west-1"),
        )
    },
    "FIPS endpoints where there are none": (
        environment,
        {"fips": True},
        "environment prod: fips is True; allowed: False in eu-west-1: us-east-1, us-east-2, "
        "us-west-1, us-west-2 have every FIPS endpoint.",
    ),
    "private addresses as a trusted network": (
        environment,
        {"trusted_cidrs": ("10.0.0.0/8",)},
        "environment prod: trusted_cidrs is '10.0.0.0/8'; allowed: public addresses: AWS sees "
        "those that your network shows outside, never private ones.",
    ),
    "the addresses of carriers as a trusted network": (
        environment,
        {"trusted_cidrs": ("100.0.0.0/8",)},
        "environment prod: trusted_cidrs is '100.0.0.0/8'; allowed: public addresses",
    ),
    "multicast as a trusted network": (environment, {"trusted_cidrs": ("224.0.0.0/8",)}, "public"),
    "documentation as a trusted network": (
        environment,
        {"trusted_cidrs": ("203.0.113.0/24",)},
        "allowed: public addresses",
    ),
    "the world as a trusted network": (
        environment,
        {"trusted_cidrs": ("140.107.0.0/16", "0.0.0.0/0")},
        "environment prod: trusted_cidrs is '0.0.0.0/0'; allowed: a block of one organization, /8",
    ),
    "half the world as a trusted network": (
        environment,
        {"trusted_cidrs": ("128.0.0.0/1",)},
        "a block of one organization",
    ),
    "the world of IPv6 as a trusted network": (environment, {"trusted_cidrs": ("::/0",)}, "/19"),
    "local addresses of IPv6": (environment, {"trusted_cidrs": ("fd00::/32",)}, "public addresses"),
    "host bits in a trusted network": (
        environment,
        {"trusted_cidrs": ("140.107.3.4/16",)},
        "environment prod: trusted_cidrs is '140.107.3.4/16'; allowed: a CIDR block such as",
    ),
    "a trusted network twice": (environment, {"trusted_cidrs": ("140.107.0.0/16",) * 2}, "once"),
    "more trusted networks than a policy holds": (
        environment,
        {"trusted_cidrs": tuple(f"140.107.{number}.0/24" for number in range(51))},
        "environment prod: number of trusted_cidrs is 51; allowed: a whole number, 0 to 50.",
    ),
    "a trusted VPC that is none": (
        environment,
        {"trusted_cidrs": ("140.107.0.0/16",), "trusted_vpcs": ("vpce-0a1b2c3d",)},
        "environment prod: trusted_vpcs is 'vpce-0a1b2c3d'; allowed: ids such as vpc-0a1b2c3d.",
    ),
    "trusted VPCs and no desk": (
        environment,
        {"trusted_vpcs": ("vpc-0a1b2c3d",)},
        "allowed: () without trusted_cidrs: nobody could sign in from a desk.",
    ),
    "an unknown lock": (
        Audit,
        {"lock": "none"},
        "audit.lock is 'none'; allowed: compliance, governance.",
    ),
    "retention outside CloudWatch's list": (
        environment,
        {"log_retention_days": 366},
        "environment prod: log_retention_days is 366; allowed: 1, 3, 5, 7, 14, 30, 60, 90, 120, "
        "150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.",
    ),
    "region outside the allowed list": (
        environment,
        {"region": "us-east-1"},
        "environment prod: region is 'us-east-1'; allowed: eu-west-1, eu-central-1.",
    ),
    "a region without prices of workers": (
        environment,
        {"region": "us-west-1", "allowed_regions": ("us-west-1",), "network": Network(zones=2)},
        "else prices=Rates(scratch_gb_hour=…) from AWS's price list, or that list read by `make "
        "prices REGIONS=us-west-1`.",
    ),
    "a price a second": (
        environment,
        {"prices": Rates(x86_vcpu_hour=0.04048 / 3600)},
        "allowed: US dollars, 0.004 to 0.4: more or less is a slip of units.",
    ),
    "a price as a word": (
        environment,
        {"prices": Rates(x86_vcpu_hour="0.04")},  # type: ignore[arg-type]
        "prices.x86_vcpu_hour is '0.04'; allowed: float(…) or None.",
    ),
    "prices by name": (environment, {"prices": {"x86_vcpu_hour": 0.04}}, "Rates(…) or None"),
    "restricted data in a test environment": (
        environment,
        {"purpose": "test"},
        "environment prod: data_class is 'restricted'; allowed: public or internal where purpose "
        "is 'test', or purpose 'production'.",
    ),
    "501 workers": (
        limits,
        {"workers": 501},
        "workspace genomics: limits.workers is 501; allowed: a whole number, 1 to 500.",
    ),
    "a size that Fargate lacks": (
        workspace,
        {"cpu": 4, "memory_gb": 4},
        "workspace genomics: memory_gb is 4; allowed: what Fargate sells with 4 vCPU, 8 to 30 GB.",
    ),
    "a vCPU count that Fargate lacks": (
        workspace,
        {"cpu": 3},
        "workspace genomics: cpu is 3; allowed: 0.25, 0.5, 1, 2, 4, 8, 16.",
    ),
    "a workspace name with a slash": (
        workspace,
        {"name": "geno/mics"},
        "workspace name is 'geno/mics'; allowed: [a-z0-9]{3,32}.",
    ),
    "a workspace name with a dash": (workspace, {"name": "geno-mics"}, "workspace name is"),
    "a workspace name with a newline": (workspace, {"name": "genomics\n"}, "workspace name is"),
    "a workspace name too short": (workspace, {"name": "ab"}, "workspace name is 'ab'"),
    "a workspace name too long": (workspace, {"name": "a" * 33}, "workspace name is 'aaa"),
    "a peer that overlaps": (
        Network,
        {"cidr": "10.64.0.0/20", "peers": ("10.1.0.0/16", "10.64.8.0/21")},
        "network.peers is '10.64.8.0/21'; allowed: blocks that do not overlap 10.64.0.0/20.",
    ),
    "a peer that is no block": (Network, {"peers": ("10.0.0.0/33",)}, "network.peers is"),
    "a block without room for a way out": (
        Network,
        {"cidr": "10.64.0.0/24", "egress": "nat"},
        "network.cidr is '10.64.0.0/24'; allowed: /23 or larger with egress='nat', or grows=False.",
    ),
    "a block with host bits": (Network, {"cidr": "10.64.0.1/20"}, "network.cidr is '10.64.0.1/20'"),
    "a block too large": (Network, {"cidr": "10.0.0.0/15"}, "allowed: a block from /16 to /24."),
    "a block too small": (Network, {"cidr": "10.0.0.0/25"}, "allowed: a block from /16 to /24."),
    "a public block": (Network, {"cidr": "8.8.0.0/16"}, "allowed: a block inside 10.0.0.0/8"),
    "one zone": (Network, {"zones": 1}, "network.zones is 1; allowed: a whole number, 2 to 6."),
    "seven zones": (Network, {"zones": 7}, "network.zones is 7"),
    "more zones than a region has": (
        environment,
        {"network": Network(zones=4)},
        "environment prod: network.zones is 4; allowed: at most 3, the zones of eu-west-1 in which "
        "Fargate runs.",
    ),
    "a zone without Fargate": (
        environment,
        {
            "region": "us-west-1",
            "allowed_regions": ("us-west-1",),
            "network": Network(named_zones=("usw1-az1", "usw1-az2")),
        },
        "network.named_zones is 'usw1-az2'; allowed: usw1-az1, usw1-az3.",
    ),
    "a third zone where two have Fargate": (
        environment,
        {
            "region": "us-west-1",
            "allowed_regions": ("us-west-1",),
            "network": Network(zones=3),
        },
        "network.zones is 3; allowed: at most 2, the zones of us-west-1 in which Fargate runs.",
    ),
    "a zone's name of another region": (
        environment,
        {"network": Network(named_zones=("eu-west-1a", "eu-central-1a"))},
        "network.named_zones is 'eu-central-1a'; allowed: zones of eu-west-1, such as eu-west-1a.",
    ),
    "a zone's id of another region that is too young for the table": (
        environment,
        {
            "region": "eu-north-2",
            "allowed_regions": ("eu-north-2",),
            "network": Network(named_zones=("eun2-az1", "eun1-az1"), s3_prefix_list="pl-0123abcd"),
            "prices": RATES,
        },
        "network.named_zones is 'eun1-az1'; allowed: zones of eu-north-2.",
    ),
    "zones by name and by id": (
        Network,
        {"named_zones": ("eu-west-1a", "euw1-az2")},
        "network.named_zones is ('eu-west-1a', 'euw1-az2'); allowed: either ids or names.",
    ),
    "no zone": (
        Network,
        {"named_zones": ("eu-west-1", "euw1-az2")},
        "network.named_zones is 'eu-west-1'; allowed: ids such as euw1-az1, or names such as",
    ),
    "one zone twice": (
        Network,
        {"named_zones": ("euw1-az2", "euw1-az2")},
        "network.named_zones is 'euw1-az2'; allowed: each value once.",
    ),
    "fewer names than zones": (
        Network,
        {"zones": 3, "named_zones": ("euw1-az1", "euw1-az2")},
        "network.zones is 3; allowed: 2, the number of named_zones.",
    ),
    "zones of an existing VPC": (
        Network,
        {"existing": existing(), "named_zones": ("euw1-az1", "euw1-az2")},
        "allowed: () with an existing VPC, whose subnets have their zones.",
    ),
    "clients by the name of their group": (
        Network,
        {"client_groups": ("notebooks",)},
        "network.client_groups is 'notebooks'; allowed: ids such as sg-0a1b2c3d.",
    ),
    "a group of clients twice": (Network, {"client_groups": ("sg-0a1b2c3d",) * 2}, "each value"),
    "more groups of clients than have rules": (
        Network,
        {"client_groups": tuple(f"sg-0a1b2c{number:02d}" for number in range(21))},
        "number of network.client_groups is 21",
    ),
    "clients of endpoints that come and go": (
        Network,
        {"client_groups": ("sg-0a1b2c3d",), "endpoints": "while_bursting"},
        "allowed: () with endpoints='while_bursting': a client calls before there is a session.",
    ),
    "clients of another's endpoints": (
        Network,
        {
            "client_groups": ("sg-0a1b2c3d",),
            "existing": existing(
                endpoints="reuse",
                endpoints_security_group_id="sg-0a1b2c3d",
                s3_endpoint_id="vpce-0a1b2c3d",
            ),
        },
        "allowed: () with existing.endpoints='reuse': only their owner lets others in.",
    ),
    "clients in FIPS mode": (
        environment,
        {
            "region": "us-east-1",
            "allowed_regions": ("us-east-1",),
            "fips": True,
            "network": Network(client_groups=("sg-0a1b2c3d",)),
        },
        "network.client_groups is ('sg-0a1b2c3d',); allowed: () in FIPS mode",
    ),
    "half a zone": (Network, {"zones": 2.5}, "network.zones is 2.5"),
    "an unknown way out": (Network, {"egress": "open"}, "egress is 'open'; allowed: isolated, nat"),
    "zones unlike the existing subnets": (
        Network,
        {"zones": 3, "existing": existing()},
        "network.zones is 3; allowed: 2, the number of existing.subnet_ids.",
    ),
    "reused endpoints without their group": (
        existing,
        {"endpoints": "reuse", "s3_endpoint_id": "vpce-0a1b2c3d"},
        "existing.endpoints_security_group_id is None; allowed: an id such as sg-0a1b2c3d",
    ),
    "reused endpoints without the gateway": (
        existing,
        {"endpoints": "reuse", "endpoints_security_group_id": "sg-0a1b2c3d"},
        "existing.s3_endpoint_id is None; allowed: an id such as vpce-0a1b2c3d",
    ),
    "a gateway that does not exist yet": (
        existing,
        {"s3_endpoint_id": "vpce-0a1b2c3d"},
        "existing.s3_endpoint_id is 'vpce-0a1b2c3d'; allowed: None with endpoints='create'",
    ),
    "a group of endpoints that is none": (
        existing,
        {"endpoints_security_group_id": "endpoints"},
        "allowed: an id such as sg-0a1b2c3d, or None",
    ),
    "a group of workers that is none": (
        existing,
        {"worker_security_group_id": "workers"},
        "existing.worker_security_group_id is 'workers'; allowed: an id such as sg-0a1b2c3d, or",
    ),
    "a group of workers without that of endpoints": (
        existing,
        {"worker_security_group_id": "sg-0a1b2c3d"},
        "allowed: a group beside endpoints_security_group_id, to which it lets out",
    ),
    "one group for workers and endpoints": (
        existing,
        dict.fromkeys(("worker_security_group_id", "endpoints_security_group_id"), "sg-0a1b2c3d"),
        "allowed: a group beside endpoints_security_group_id",
    ),
    "a VPC id that is none": (existing, {"vpc_id": "main"}, "existing.vpc_id is 'main'"),
    "a subnet id that is none": (existing, {"subnet_ids": ("a", "b")}, "existing.subnet_ids is"),
    "a route table id that is none": (
        existing,
        {"route_table_ids": ("main", "main")},
        "existing.route_table_ids is 'main'",
    ),
    "a subnet twice": (existing, {"subnet_ids": ("subnet-0a1b2c3d",) * 2}, "each value once"),
    "a single existing subnet": (
        existing,
        {"subnet_ids": ("subnet-0a1b2c3d",), "route_table_ids": ("rtb-0a1b2c3d",)},
        "number of existing.subnet_ids is 1",
    ),
    "a subnet without its route table": (
        existing,
        {"route_table_ids": ("rtb-0a1b2c3d",)},
        "number of existing.route_table_ids is 1; allowed: one for each of the 2 subnets.",
    ),
    "a block without room for the workers": (
        environment,
        {
            "network": Network(cidr="10.64.0.0/24"),
            "workspaces": (workspace(limits=Limits(workers=215)),),
        },
        "environment prod: network.cidr is '10.64.0.0/24'; allowed: a block with 215 addresses for "
        "workers in 2 zones.",
    ),
    "an unknown encryption": (Storage, {"encryption": "AES256"}, "storage.encryption is 'AES256'"),
    "no days of sessions": (Storage, {"session_days": 0}, "storage.session_days is 0"),
    "no days of old versions": (Storage, {"noncurrent_days": 0}, "storage.noncurrent_days is 0"),
    "no days of access logs": (Storage, {"access_log_days": 0}, "storage.access_log_days is 0"),
    "a bound of downloads that is none": (
        Audit,
        {"person_gb_per_hour": 0},
        "audit.person_gb_per_hour is 0",
    ),
    "no days of the trail": (Audit, {"log_days": 0}, "audit.log_days is 0"),
    "sessions that expire while they run": (
        environment,
        {
            "storage": Storage(session_days=2),
            "workspaces": (workspace(limits=Limits(timeout_seconds=3 * 86_400)),),
        },
        "environment prod: storage.session_days is 2; allowed: at least the 3 days that a session "
        "may run.",
    ),
    "no workers": (limits, {"workers": 0}, "limits.workers is 0"),
    "a true number of workers": (limits, {"workers": True}, "limits.workers is True"),
    "no vCPU": (limits, {"vcpu": 0}, "limits.vcpu is 0; allowed: more than 0, at most 8,000."),
    "vCPU that is not a number": (limits, {"vcpu": float("nan")}, "limits.vcpu is nan"),
    "more vCPU than 500 workers have": (limits, {"vcpu": 8001}, "limits.vcpu is 8001"),
    "more memory than 500 workers have": (limits, {"memory_gb": 60_001}, "limits.memory_gb is"),
    "less vCPU than one worker": (
        limits,
        {"vcpu": 0.5},
        "limits.vcpu is 0.5; allowed: at least the 1 of one default worker.",
    ),
    "less memory than one worker": (limits, {"memory_gb": 2}, "limits.memory_gb is 2; allowed: at"),
    "a session of 15 days": (
        limits,
        {"timeout_seconds": 15 * 86_400},
        "limits.timeout_seconds is 1296000; allowed: a whole number, 60 to 1,209,600.",
    ),
    "a session of a second": (limits, {"timeout_seconds": 1}, "limits.timeout_seconds is 1"),
    "no money": (limits, {"usd_per_hour": 0}, "limits.usd_per_hour is 0"),
    "endless money": (limits, {"usd_per_hour": float("inf")}, "limits.usd_per_hour is inf"),
    "too little scratch": (workspace, {"scratch_gb": 19}, "scratch_gb is 19; allowed: a whole"),
    "too much scratch": (workspace, {"scratch_gb": 201}, "scratch_gb is 201"),
    "scratch above the session's limit": (
        workspace,
        {"scratch_gb": 61, "limits": Limits(scratch_gb=60)},
        "scratch_gb is 61; allowed: a whole number, 20 to 60",
    ),
    "a limit that Fargate has no disk for": (
        workspace,
        {"limits": Limits(scratch_gb=201)},
        "limits.scratch_gb is 201",
    ),
    "no budget": (workspace, {"monthly_budget_usd": 0}, "monthly_budget_usd is 0"),
    "a budget that reaches nobody": (
        workspace,
        {"budget_emails": ()},
        "number of budget_emails of workspace genomics is 0; allowed: a whole number, 1 to 10.",
    ),
    "eleven people": (
        workspace,
        {"budget_emails": tuple(f"p{i}@example.com" for i in range(11))},
        "number of budget_emails of workspace genomics is 11",
    ),
    "an address that is none": (workspace, {"budget_emails": ("team",)}, "budget_emails is 'team'"),
    "an address twice": (
        workspace,
        {"budget_emails": ("a@example.com", "a@example.com")},
        "budget_emails is 'a@example.com'; allowed: each value once.",
    ),
    "an environment name in capitals": (
        environment,
        {"name": "Prod"},
        "environment name is 'Prod'",
    ),
    "an account of eleven digits": (
        environment,
        {"account": "22223333444"},
        "environment prod: account is '22223333444'; allowed: twelve digits.",
    ),
    "no allowed region": (environment, {"allowed_regions": ()}, "allowed_regions is ()"),
    "a region that is none": (environment, {"allowed_regions": ("EU",)}, "allowed_regions is 'EU'"),
    "an unknown purpose": (environment, {"purpose": "prod"}, "allowed: test, production."),
    "another place for what tasks print": (
        environment,
        {"task_output": "cloudwatch"},
        "task_output is 'cloudwatch'; allowed: session, session and cloudwatch",
    ),
    "an unknown data class": (environment, {"data_class": "secret"}, "data_class is 'secret'"),
    "an unknown architecture": (environment, {"architecture": "arm64"}, "architecture is 'arm64'"),
    "an unknown Python": (environment, {"python": "3.9"}, "python is '3.9'; allowed: 3.11, 3.12"),
    "an image by tag": (environment, {"image_digest": "latest"}, "image_digest is 'latest'"),
    "a workspace's image by tag": (
        workspace,
        {"image_digest": "latest"},
        "workspace genomics: image_digest is 'latest'; allowed: sha256:<64 hex>, not 0.",
    ),
    "a workspace that waits for an image": (
        workspace,
        {"image_digest": "sha256:" + "0" * 64},
        "allowed: sha256:<64 hex>, not 0.",
    ),
    "an unknown pack": (
        environment,
        {"packs": ("SOC2",)},
        "packs is 'SOC2'; allowed: AwsSolutions",
    ),
    "an unknown feature to go without": (environment, {"without": ("tls",)}, "without is 'tls'"),
    **{
        f"the tag {key}": (
            environment,
            {"tags": ((key, "us"),)},
            f"environment prod: tags is {key!r}; allowed: keys {said}.",
        )
        for key, said in {
            "aws:owner": "without aws: in front, in any case: AWS keeps them to itself",
            "AWS:x": "without aws: in front, in any case: AWS keeps them to itself",
            "Starburst:role": "without starburst: or starburst- in front, in any case: the kit "
            "reads them",
            "starburst-workspace": "without starburst: or starburst- in front, in any case: the "
            "kit reads them",
            "userName": "other than userName, in any case: access control reads it, and the same "
            "on every role would lock people and workers out",
            "USERNAME": "other than userName, in any case: access control reads it, and the same "
            "on every role would lock people and workers out",
            "amazonecsmanaged": "other than AmazonECSManaged, in any case: AWS reads what the kit "
            "sets there",
            "a?b": "of 1 to 128 letters, digits, spaces and _ . : / = + - @",
        }.items()
    },
    "a tag twice": (environment, {"tags": (("a", "1"), ("a", "2"))}, "tags is 'a'; allowed: each"),
    "tags that differ in case": (
        environment,
        {"tags": (("Team", "1"), ("team", "2"))},
        "tags is 'team'; allowed: each key once: 'Team' is the same to IAM, to which case means "
        "nothing.",
    ),
    "more tags than AWS takes": (
        environment,
        {"tags": tuple((f"k{number}", "") for number in range(41))},
        "environment prod: number of tags is 41; allowed: a whole number, 0 to 40.",
    ),
    "a budget where CloudFormation makes none": (
        environment,
        {"region": "eu-north-1", "allowed_regions": ("eu-north-1",), "prices": RATES},
        "workspace genomics: monthly_budget_usd is 500; allowed: None in eu-north-1, where "
        "CloudFormation makes no budgets: totals hold there as everywhere, and "
        "docs/how-to/hold-totals.md says how to make a budget by hand.",
    ),
    "a freeze at no budget": (
        environment,
        {
            "workspaces": (workspace(monthly_budget_usd=None, budget_emails=()),),
            "freeze_at_budget": True,
        },
        "environment prod: freeze_at_budget is True; allowed: False where workspace genomics has "
        "no budget: monthly_budget_usd is None.",
    ),
    "people who hear of no budget": (
        workspace,
        {"monthly_budget_usd": None},
        "workspace genomics: budget_emails is ('team@example.com',); allowed: () with "
        "monthly_budget_usd=None: nobody would be told of anything.",
    ),
    "a Region with a slip": (
        environment,
        {"region": "eu-wst-1", "allowed_regions": ("eu-wst-1",)},
        "environment prod: allowed_regions is 'eu-wst-1'; allowed: Regions that AWS has: eu-west-1 "
        "is nearest.",
    ),
    "a second Region with a slip": (
        environment,
        {"allowed_regions": ("eu-west-1", "eu-wets-2")},
        "environment prod: allowed_regions is 'eu-wets-2'; allowed: Regions that AWS has: "
        "eu-west-2 is nearest.",
    ),
    "more workers than the money pays for": (
        environment,
        {"workspaces": (limits(workers=500, vcpu=500, usd_per_hour=1),)},
        "workspace genomics: limits.workers is 500; allowed: 80 at most, as limits.usd_per_hour=1 "
        "wins: it stops even workers of 0.25 vCPU there; write limits.workers=80, or "
        "limits.usd_per_hour=6.24 for 500.",
    ),
    "more workers than the vCPU hold": (
        environment,
        {"workspaces": (limits(workers=500, vcpu=100),)},
        "write limits.workers=400, or limits.vcpu=125 for 500.",
    ),
    "a tag value too long": (environment, {"tags": (("a", "b" * 257),)}, "values of up to 256"),
    "a provider that is none": (SamlProvider, {"arn": "company"}, "identity.arn is 'company'"),
    "a provider of a short account": (
        SamlProvider,
        {"arn": "arn:aws:iam::2222:saml-provider/company"},
        "allowed: arn:aws:iam::<12 digits>:saml-provider/<name>.",
    ),
    "an audience without TLS": (
        SamlProvider,
        {"arn": "arn:aws:iam::222233334444:saml-provider/x", "audience": "http://example.com"},
        "identity.audience is 'http://example.com'",
    ),
    "an audience that is not AWS": (
        SamlProvider,
        {
            "arn": "arn:aws:iam::222233334444:saml-provider/x",
            "audience": "https://signin.aws.amazon.com.example.com/saml",
        },
        "allowed: https://signin.aws.amazon.com/saml, or with a Region in front of signin.",
    ),
    "a provider of another account": (
        environment,
        {"identity": SamlProvider(arn="arn:aws:iam::111122223333:saml-provider/company")},
        "allowed: a SAML provider of account 222233334444.",
    ),
    "a broker that is a user": (
        BrokerRole,
        {"arn": "arn:aws:iam::222233334444:user/bob"},
        "allowed: arn:aws:iam::<12 digits>:role/<name>.",
    ),
    "a platform team's broker that is a user": (
        BrokerRole,
        {
            "arn": "arn:aws:iam::222233334444:role/broker",
            "platform_arn": "arn:aws:iam::222233334444:user/bob",
        },
        "identity.platform_arn is",
    ),
    "a path of users that is none": (
        MfaUsers,
        {"account": "222233334444", "path": "analysts"},
        "such as /analysts/",
    ),
    "an account of users that is none": (MfaUsers, {"account": "1234"}, "allowed: twelve digits."),
    "a boundary of another account": (
        environment,
        {"permissions_boundary": "arn:aws:iam::111122223333:policy/boundary"},
        "allowed: arn:aws:iam::222233334444:policy/<name>.",
    ),
    "a break-glass role of another account": (
        environment,
        {"break_glass_role_arn": "arn:aws:iam::111122223333:role/break-glass"},
        "allowed: arn:aws:iam::222233334444:role/<name>.",
    ),
    "a break-glass role for everybody": (
        environment,
        {"break_glass_role_arn": "arn:aws:iam::222233334444:role/*"},
        "allowed: arn:aws:iam::222233334444:role/<name>.",
    ),
    "the account as break-glass role": (
        environment,
        {"break_glass_role_arn": "arn:aws:iam::222233334444:root"},
        "allowed: arn:aws:iam::222233334444:role/<name>.",
    ),
    "an everyday role as break-glass role": (
        environment,
        {"break_glass_role_arn": "arn:aws:iam::222233334444:role/starburst-prod-platform"},
        "allowed: a role of your security team's own.",
    ),
    "break-glass where nothing is kept": (
        environment,
        {
            "purpose": "test",
            "data_class": "internal",
            "break_glass_role_arn": "arn:aws:iam::222233334444:role/break-glass",
        },
        "allowed: None where purpose is 'test', whose keys are not kept.",
    ),
    "production without a break-glass role": (
        environment,
        {"break_glass_role_arn": None},
        "in production it alone ends keys, and reaches data when no role of the kit can.",
    ),
    "a role for data of another account": (
        environment,
        {"data_role_arns": ("arn:aws:iam::111122223333:role/eraser",)},
        "allowed: arn:aws:iam::222233334444:role/<name>.",
    ),
    "roles for data by a pattern": (
        environment,
        {"data_role_arns": ("arn:aws:iam::222233334444:role/*",)},
        "allowed: arn:aws:iam::222233334444:role/<name>.",
    ),
    "the platform team's role for data": (
        environment,
        {"data_role_arns": ("arn:aws:iam::222233334444:role/starburst-prod-platform",)},
        "allowed: a role of your security team's own.",
    ),
    "a role for data twice": (
        environment,
        {"data_role_arns": ("arn:aws:iam::222233334444:role/eraser",) * 2},
        "allowed: each value once",
    ),
    "more roles for data than fit": (
        environment,
        {
            "data_role_arns": tuple(
                f"arn:aws:iam::222233334444:role/eraser{number}" for number in range(11)
            )
        },
        "allowed: a whole number, 0 to 10",
    ),
    "an organization that is none": (
        environment,
        {"organization_id": "acme"},
        "organization_id is",
    ),
    "a policy of packages that is none": (
        workspace,
        {"packages": "all"},
        "workspace genomics: packages is 'all'; allowed: image, allowed, any.",
    ),
    "an allow list that allows nothing": (
        workspace,
        {"packages": "allowed"},
        "workspace genomics: allowed_packages is (); allowed: one package or more with "
        "packages='allowed'.",
    ),
    "an allow list that nobody asks": (
        workspace,
        {"packages": "any", "allowed_packages": ("numpy",)},
        "workspace genomics: allowed_packages is ('numpy',); allowed: () with packages='any', "
        "which asks no list; or packages='allowed'.",
    ),
    "an allowed package twice": (
        workspace,
        {"packages": "allowed", "allowed_packages": ("numpy", "numpy")},
        "workspace genomics: allowed_packages is 'numpy'; allowed: each value once.",
    ),
    **{
        f"an allowed package that is {what}": (
            workspace,
            {"packages": "allowed", "allowed_packages": (entry,)},
            f"workspace genomics: allowed_packages is {entry!r}; allowed: a name, a name with "
            "versions such as numpy>=2,<3, or sha256:<64 hex>.",
        )
        for what, entry in {
            "no name": "-numpy",
            "nothing": "",
            "all": "*",
            "a wrong specifier": "numpy=>2",
            "half a specifier": "numpy>=2,<",
            "with an extra": "dask[array]",
            "for some machines": "numpy; sys_platform == 'linux'",
            "from an address": "numpy @ https://example.com/numpy.whl",
            "a folder": "./numpy",
            "a short hash": "sha256:" + "0" * 63,
            "a hash in capitals": "sha256:" + "A" * 64,
            "another hash": "md5:" + "0" * 32,
            "two packages": "numpy\nscipy",
        }.items()
    },
    "one allowed package without its comma": (
        workspace,
        {"packages": "allowed", "allowed_packages": ("numpy")},
        "workspace genomics: allowed_packages is 'numpy'; allowed: a tuple, such as (\"…\",).",
    ),
    "data that workers write": (
        workspace,
        {"data_writers": "workers"},
        "workspace genomics: data_writers is 'workers'; allowed: analysts, steward.",
    ),
    **{
        f"{name} of {days}": (
            workspace,
            {name: days},
            f"workspace genomics: {name} is {days}; allowed: a whole number, 1 to 36,500.",
        )
        for name in ("data_days", "home_days")
        for days in (0, 36_501, True)
    },
    "wheels that expire at once": (Storage, {"packages_days": 0}, "storage.packages_days is 0"),
    "a word for links": (workspace, {"home_links": "yes"}, "home_links is 'yes'; allowed: True or"),
    "no workspaces": (environment, {"workspaces": ()}, "environment prod: workspaces is ()"),
    "a workspace twice": (
        environment,
        {"workspaces": (workspace(), workspace())},
        "environment prod: workspaces is 'genomics'; allowed: each value once.",
    ),
    "production logs for a month": (
        environment,
        {"log_retention_days": 30},
        "environment prod: log_retention_days is 30; allowed: 365 or more in production.",
    ),
    "a production trail for a month": (
        environment,
        {"audit": Audit(log_days=30)},
        "audit.log_days",
    ),
    "production access logs for a month": (
        environment,
        {"storage": Storage(access_log_days=30)},
        "storage.access_log_days is 30; allowed: 365 or more in production.",
    ),
    "production that nothing judges": (environment, {"packs": ()}, "one pack or more"),
    "production that goes without": (
        environment,
        {"without": ("source-vpce",)},
        "environment prod: without is ('source-vpce',); allowed: nothing in production.",
    ),
    "restricted reads that nobody records": (
        environment,
        {"audit": Audit(data_events=False)},
        "audit.data_events is False; allowed: True where data_class is 'restricted'.",
    ),
}


@pytest.mark.parametrize(("build", "changes", "said"), REFUSALS.values(), ids=REFUSALS)
def test_a_wrong_value_is_refused_in_one_sentence(
    build: Callable[..., object], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        build(**changes)
    sentence = str(refusal.value)
    assert said in sentence
    assert refusal.value.field in sentence
    assert repr(refusal.value.value) in sentence
    assert refusal.value.allowed in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")

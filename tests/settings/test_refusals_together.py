"""What instances, add-ons and neighbours may not be; and no rule lacks a value that breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import stacks.settings
from environments import DEV
from stacks.addons.access_review import AccessReview
from stacks.addons.guardduty import GuardDuty
from stacks.addons.inspector import Inspector
from stacks.settings import (
    Addon,
    Ec2Capacity,
    Environment,
    Instance,
    Network,
    SettingsError,
    Shared,
    Workspace,
    check_together,
)
from stacks.settings.once import Holding, Single
from starburst.contract import Limits
from tests.addons.toy.addon import Toy
from tests.networks import EXISTING, GROUPED, REUSED
from tests.settings.test_identity_center import REFUSALS as IDENTITY
from tests.settings.test_profiles import REFUSALS as PROFILES
from tests.settings.test_reads import READS
from tests.settings.test_refusals import REFUSALS, environment, existing, workspace
from tests.settings.test_secrets import SECRETS
from tests.settings.test_totals import REFUSALS as TOTALS

SETTINGS = Path(stacks.settings.__file__).parent
VALIDATORS = {
    *("between", "distinct", "emails", "ipv4_network", "matches", "one_of", "positive"),
    *("private_network", "public_network", "require", "typed"),
}

C7G = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.33)
M7G = replace(C7G, name="m7g.2xlarge", memory_gb=32)
STUDIES = tuple(
    Workspace(name=name, budget_emails=("team@example.com",)) for name in ("heart", "brain")
)


APART = tuple(replace(each, own_cluster=True) for each in STUDIES)


def instances(**changes: Any) -> Ec2Capacity:
    return Ec2Capacity(**{"instance_types": (C7G,), **changes})


def hosted(**changes: Any) -> Environment:
    sound: dict[str, Any] = {
        "architecture": "ARM64",
        "capacity": instances(),
        "workspaces": STUDIES,
        "network": Network(cidr="10.77.0.0/20"),
    }
    return replace(DEV, **{**sound, **changes})


def beside(**changes: Any) -> None:
    """Check an environment that is like DEV, but for a block of its own, beside DEV."""
    apart = Network(cidr="10.99.0.0/20")
    check_together([DEV, replace(DEV, **{"name": "second", "network": apart, **changes})])


def together(count: int) -> None:
    """Check so many environments of one account, each with a trail and a block of its own."""
    check_together(
        replace(
            DEV,
            name=f"dev{number}",
            shared=None if number else DEV.shared,
            network=Network(cidr=f"10.9{number}.0.0/20"),
        )
        for number in range(count)
    )


def ownerless() -> None:
    """Check an environment that leaves what its account has once to another that is not there."""
    check_together([replace(DEV, shared=None)])


def sharing(one: Network, other: Network) -> None:
    first = replace(DEV, shared=Shared(block_public_access=True), network=one)
    check_together([first, replace(first, name="second", shared=None, network=other)])


LONG = Workspace(
    name="long", limits=Limits(timeout_seconds=3 * 86_400), budget_emails=("team@example.com",)
)
WIDE = Workspace(name="wide", limits=Limits(workers=215), budget_emails=("team@example.com",))
SHUT = Network(cidr="10.98.0.0/20")


def neighbours(one: Addon | None, other: Addon) -> None:
    """Check two environments of one account and Region, the second with an add-on."""
    second = replace(DEV, name="second", shared=None, network=Network(cidr="10.99.0.0/20"))
    first = replace(DEV, addons=() if one is None else (one,))
    check_together([first, replace(second, addons=(other,))])


LEFT = AccessReview(external=False, unused=False)
MORE: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "a sixth trail of an account": (
        together,
        {"count": 6},
        "environment dev5: audit.trail is True; allowed: False: 5 environments of account "
        "444455556666 have trails before it, and CloudTrail takes no more.",
    ),
    **{
        f"a second analyzer of {kind} access": (
            neighbours,
            {"one": AccessReview(internal=True), "other": replace(LEFT, **{kind: True})},
            f"environment second: addons is 'accessreview'; allowed: AccessReview({kind}=False): "
            f"'accessreview' of environment dev makes the one analyzer of {kind} access of account "
            "444455556666 in eu-west-1.",
        )
        for kind in ("external", "unused", "internal")
    },
    "a gate whose account has no Inspector": (
        neighbours,
        {"one": None, "other": Inspector()},
        "environment second: inspector is 'alone'; allowed: with Inspector(…) in environment dev, "
        "which owns the account.",
    ),
    "a gate that needs more than its account's Inspector scans": (
        neighbours,
        {"one": Inspector(), "other": Inspector(ec2=True)},
        "environment second: inspector, of Inspector is 'EC2'; allowed: what 'inspector' of "
        "environment dev has of it as well.",
    ),
    "free words for what an account has once": (
        Single,
        {"type": "the account's detector"},
        'type of what an account has once is "the account\'s detector"; allowed: a type such as '
        "AWS::SecurityHub::Hub, or an action such as inspector2:Enable.",
    ),
    "an owner that nobody is": (
        Holding,
        {"owner": "nobody", "leaving": "Toy(…)"},
        "owner of what an account has once is 'nobody'; allowed: this, neighbour, elsewhere.",
    ),
    "a type with a slip": (
        instances,
        {"instance_types": (replace(C7G, name="c7i.2xlrge"),)},
        "capacity.instance_types is 'c7i.2xlrge'; allowed: types that EC2 has, such as c7i.2xlarge",
    ),
    "a type of the other architecture": (
        hosted,
        {"capacity": instances(instance_types=(replace(C7G, name="m5.large"),))},
        "environment dev: capacity.instance_types is 'm5.large'; allowed: types of ARM64; or "
        "architecture='X86_64', which m5.large has.",
    ),
    "no instance types": (instances, {"instance_types": ()}, "instance_types is 0"),
    "an instance type twice": (instances, {"instance_types": (C7G, C7G)}, "each value once"),
    "instance types by name": (instances, {"instance_types": ("c7g.large",)}, "(Instance(…),)"),
    "an instance type without a size": (
        instances,
        {"instance_types": (replace(C7G, name="large"),)},
        "allowed: names such as c7g.2xlarge",
    ),
    "an instance without a processor": (
        instances,
        {"instance_types": (replace(C7G, vcpu=0),)},
        "vcpu of c7g.2xlarge is 0",
    ),
    "an instance without memory": (
        instances,
        {"instance_types": (replace(C7G, memory_gb=0),)},
        "memory_gb of c7g.2xlarge is 0",
    ),
    "an instance for nothing": (
        instances,
        {"instance_types": (replace(C7G, usd_per_hour=0),)},
        "usd_per_hour of c7g.2xlarge is 0",
    ),
    "no instances": (instances, {"most": 0}, "capacity.most is 0"),
    "more warm instances than instances": (instances, {"most": 2, "warm": 3}, "warm is 3"),
    "warm instances of several types": (
        instances,
        {"instance_types": (C7G, M7G), "warm": 1},
        "capacity.warm is 1; allowed: 0 where there are several instance types: EC2 keeps no warm "
        "pool of a mixture.",
    ),
    "a disk too small for the system": (instances, {"disk_gb": 8}, "capacity.disk_gb is 8"),
    "instances without room for a worker": (
        hosted,
        {"capacity": instances(instance_types=(replace(C7G, vcpu=2, memory_gb=4),))},
        "a type with room for a worker of workspace heart",
    ),
    "instances of several architectures": (
        hosted,
        {"other_architectures": ("X86_64",)},
        "other_architectures is ('X86_64',); allowed: () with EC2 instances",
    ),
    "instances whose endpoints come and go": (
        hosted,
        {"network": Network(cidr="10.77.0.0/20", endpoints="while_bursting")},
        "allowed: 'always' with EC2 instances",
    ),
    "a block without room for every group of instances": (
        hosted,
        {"capacity": instances(spot=True, most=500), "network": Network(cidr="10.77.0.0/22")},
        "a block with 2100 addresses",
    ),
    "more groups of instances than a cluster takes": (
        hosted,
        {
            "capacity": instances(spot=True),
            "workspaces": tuple(replace(STUDIES[0], name=f"study{n}") for n in range(11)),
        },
        "capacity is 22; allowed: 20 groups of instances at most",
    ),
    "one workspace among others that has no room": (
        environment,
        {"network": Network(cidr="10.64.0.0/24"), "workspaces": (workspace(), WIDE)},
        "a block with 215 addresses",
    ),
    "one workspace among others whose sessions expire while they run": (
        environment,
        {
            "storage": stacks.settings.Storage(session_days=2),
            "workspaces": (LONG, workspace()),
        },
        "allowed: at least the 3 days that a session may run.",
    ),
    "restricted data behind endpoints that come and go": (
        environment,
        {"network": Network(endpoints="while_bursting")},
        "environment prod: network.endpoints is 'while_bursting'; allowed: 'always' where "
        "data_class is 'restricted'.",
    ),
    "an add-on twice": (environment, {"addons": (Toy(), Toy(word="twice"))}, "each value once"),
    "an add-on of no name": (
        environment,
        {"addons": (type("Nameless", (Toy,), {"name": "No-Name"})(),)},
        "allowed: names such as datamart.",
    ),
    "a switch of an add-on that is a word": (
        environment,
        {"addons": (GuardDuty(runtime=cast(bool, "no")),)},
        "environment prod: guardduty.runtime is 'no'; allowed: True or False.",
    ),
    "an architecture twice": (environment, {"other_architectures": ("X86_64",)}, "value once"),
    "a trusted VPC twice": (
        environment,
        {"trusted_cidrs": ("140.107.0.0/16",), "trusted_vpcs": ("vpc-0a1b2c3d",) * 2},
        "each value once",
    ),
    "more trusted VPCs than a policy holds": (
        environment,
        {
            "trusted_cidrs": ("140.107.0.0/16",),
            "trusted_vpcs": tuple(f"vpc-{number:08x}" for number in range(51)),
        },
        "trusted_vpcs is 51; allowed: a whole number, 0 to 50.",
    ),
    "a tag of the kit's own": (
        environment,
        {"tags": (("starburst:environment", "other"),)},
        "tags is 'starburst:environment'",
    ),
    "a role of cdk bootstrap that breaks the glass": (
        environment,
        {"break_glass_role_arn": "arn:aws:iam::222233334444:role/cdk-hnb659fds-deploy-role"},
        "a role of your security team's own",
    ),
    "one subnet for several": (existing, {"subnet_ids": "subnet-0a1b2c3d"}, "a tuple, such as"),
    "endpoints from nowhere": (existing, {"endpoints": "share"}, "allowed: create, reuse."),
    "endpoints now and then": (Network, {"endpoints": "often"}, "allowed: always, while_bursting."),
    "a prefix list that is none": (Network, {"s3_prefix_list": "s3"}, "an id such as pl-6da54004"),
    "endpoints of others that come and go": (
        Network,
        {"existing": REUSED, "endpoints": "while_bursting"},
        "only their owner may close them.",
    ),
    **{
        f"a budget of {usd}": (
            workspace,
            {"monthly_budget_usd": usd},
            f"monthly_budget_usd is {usd}; allowed: more than 0, at most 10,000,000.",
        )
        for usd in (float("nan"), float("inf"), True)
    },
    "a name for two environments": (
        beside,
        {"name": DEV.name},
        "environment name is 'dev'; allowed: each value once.",
    ),
    "overlapping blocks of one region": (
        beside,
        {"network": DEV.network, "shared": None},
        "environment second: network.cidr is",
    ),
    "endpoints made twice in one VPC": (
        sharing,
        {"one": Network(existing=EXISTING), "other": Network(existing=EXISTING)},
        "environment second: network.existing.endpoints is 'create'; allowed: 'reuse' where",
    ),
    "a registry with two owners": (
        beside,
        {},
        "environment second: shared is Shared(registry_scanning=True, block_public_access=False); "
        "allowed: None where environment dev has it for the same account and Region.",
    ),
    "an account whose settings nobody owns": (
        ownerless,
        {},
        "environment dev: shared is None; allowed: Shared(…) in one environment of account "
        "444455556666 in eu-west-1: where the organization sets all of it, "
        "Shared(registry_scanning=False).",
    ),
    "a scan of the registry now and then": (
        Shared,
        {"registry_scanning": "daily"},
        "shared.registry_scanning is 'daily'; allowed: True or False.",
    ),
    "workers apart on machines of all": (
        hosted,
        {"workspaces": APART},
        "own_cluster of its workspaces is 'heart, brain'; allowed: False with capacity: the "
        "instances join the environment's one cluster; use Fargate",
    ),
    "workers apart in a group of all": (
        environment,
        {"workspaces": APART, "network": Network(existing=GROUPED)},
        "own_cluster of its workspaces is 'heart, brain'; allowed: False with "
        "existing.worker_security_group_id",
    ),
    "more workspaces apart than there is room for": (
        environment,
        {"workspaces": tuple(replace(APART[0], name=f"study{number}") for number in range(6))},
        "allowed: True for 5 workspaces at most",
    ),
    "workers a little apart": (
        workspace,
        {"own_cluster": "yes"},
        "own_cluster is 'yes'; allowed: True or False.",
    ),
    "a way out through a gateway that a neighbour shuts": (
        sharing,
        {"one": SHUT, "other": Network(cidr="10.97.0.0/20", egress="nat")},
        "environment second: network.egress is 'nat'",
    ),
}


@pytest.mark.parametrize(("build", "changes", "said"), MORE.values(), ids=MORE)
def test_what_does_not_fit_together_is_refused_in_one_sentence(
    build: Callable[..., object], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        build(**changes)
    assert said in str(refusal.value)


Site = tuple[str, int]


def rules() -> dict[Site, str]:
    """Return what each line of the settings that calls a validator refuses."""
    return {
        (path.name, line): ast.unparse(call)
        for path in SETTINGS.rglob("*.py")
        if path.name != "validation.py"
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in VALIDATORS
        for line in range(call.lineno, (call.end_lineno or call.lineno) + 1)
    }


def refused_by(build: Callable[..., object], changes: dict[str, Any]) -> set[Site]:
    """Return the lines of the settings through which a refusal came."""
    with pytest.raises(SettingsError) as refusal:
        build(**changes)
    paths = [(Path(str(entry.path)), entry.lineno + 1) for entry in refusal.traceback]
    return {(path.name, line) for path, line in paths if SETTINGS in path.parents}


def test_every_rule_of_the_settings_has_a_value_that_breaks_it() -> None:
    found = rules()
    assert len(set(found.values())) > 100
    broken = {
        found[site]
        for build, changes, _ in (
            *REFUSALS.values(),
            *MORE.values(),
            *TOTALS.values(),
            *READS.values(),
            *SECRETS.values(),
            *IDENTITY.values(),
            *PROFILES.values(),
        )
        for site in refused_by(build, changes)
        if site in found
    }
    assert set(found.values()) - broken == set()

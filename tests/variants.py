"""Environments that choose what the shipped ones leave at its default: together, every setting."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import app
from environments import DEV
from stacks.settings import (
    Audit,
    BrokerRole,
    Ec2Capacity,
    Environment,
    IdentityCenter,
    Instance,
    MfaUsers,
    Network,
    Rates,
    Reads,
    SamlProvider,
    Secret,
    Shared,
    Storage,
    Workspace,
    WorkspaceGroups,
)
from starburst.contract import Limits, Totals
from starburst.contract.rates import PLAUSIBLE
from tests.networks import GROUPED, REUSED

if TYPE_CHECKING:
    import aws_cdk as cdk

__all__ = ["BOUNDARY", "QUALIFIER", "VARIANTS", "synthesize_variants"]

QUALIFIER: Final = "platform"
"""Of an organization that bootstrapped CDK under a name of its own."""

BOUNDARY: Final = f"arn:aws:iam::{DEV.account}:policy/organization-boundary"

C7G: Final = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.33)
C7I: Final = Instance(name="c7i.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.41)
M7I: Final = Instance(name="m7i.2xlarge", vcpu=8, memory_gb=32, usd_per_hour=0.45)

_SANDBOX: Final = DEV.workspaces[0]
_SECRETS: Final = f"arn:aws:secretsmanager:{DEV.region}:{DEV.account}:secret"
_TOTALS: Final = Totals(
    sessions=9,
    workers=100,
    vcpu=400,
    memory_gb=1600,
    usd_per_hour=20,
    usd_per_day=100,
    usd_per_month=300,
)

_MFA: Final = replace(
    DEV,
    name="mfa",
    identity=MfaUsers(account=DEV.account, path="/analysts/"),
    data_class="public",
    workspaces=(
        Workspace(
            name="sandbox",
            limits=Limits(
                workers=20,
                vcpu=80,
                memory_gb=320,
                timeout_seconds=3600,
                usd_per_hour=5,
                pickle_results=False,
                scratch_gb=100,
            ),
            totals=_TOTALS,
            cpu=2,
            memory_gb=8,
            scratch_gb=50,
            monthly_budget_usd=200,
            budget_emails=("platform@example.com",),
            packages="allowed",
            allowed_packages=("humanize>=4,<5",),
            reads=(
                "arn:aws:s3:::atlas/panel/*",
                Reads(objects="arn:aws:s3:::atlas/cohort/*"),
                Reads(objects="arn:aws:s3:::shared/*", owner="organization"),
                Reads(
                    objects="arn:aws:s3:::theirs/*",
                    owner="other",
                    account="777788889999",
                    key_arn=f"arn:aws:kms:{DEV.region}:777788889999:key/0a1b2c3d",
                ),
            ),
            home_links=True,
            draining=True,
            image_digest="sha256:" + "cd" * 32,
        ),
    ),
    totals=_TOTALS,
    user_totals=_TOTALS,
    freeze_at_budget=True,
    end_at_budget=True,
    network=Network(
        cidr="10.70.0.0/20",
        zones=3,
        named_zones=("euw1-az1", "euw1-az2", "euw1-az3"),
        egress="nat",
        peers=("10.8.0.0/16",),
        s3_prefix_list="pl-0a1b2c3d",
    ),
    audit=Audit(trail=False, data_events=False, log_days=400, lock="governance"),
    storage=Storage(access_log_days=400, packages_days=10),
    task_output="session and cloudwatch",
    python="3.12",
    image_digest="sha256:" + "ab" * 32,
    organization_id="o-a1b2c3d4e5",
    permissions_boundary=BOUNDARY,
    tags=(("cost-centre", "4711"),),
)
"""IAM users of an organization that has a boundary of its own, with a way out by NAT."""

_BROKER: Final = replace(
    DEV,
    name="broker",
    shared=None,
    identity=BrokerRole(
        arn=f"arn:aws:iam::{DEV.account}:role/broker",
        platform_arn=f"arn:aws:iam::{DEV.account}:role/operators",
    ),
    network=Network(cidr="10.71.0.0/20", existing=REUSED, egress="nat"),
    workspaces=tuple(
        replace(_SANDBOX, name=name, own_cluster=name in ("packages", "results"))
        for name in ("sessions", "packages", "data", "home", "results")
    ),
    architecture="ARM64",
    other_architectures=("X86_64",),
    prices=Rates(**{name: 10 * least for name, (least, _) in PLAUSIBLE.items()}),
    storage=Storage(encryption="kms:dsse"),
    packs=("AwsSolutions", "PCI.DSS.321"),
)
"""A login broker's people in a VPC with endpoints of its owner, on both architectures, two of whose
workspaces run apart."""

_OFFICE: Final = replace(
    DEV,
    name="office",
    region="us-east-1",
    allowed_regions=("us-east-1",),
    audit=Audit(trail=False),
    shared=Shared(registry_scanning=False),
    security_emails=("security@example.org",),
    fips=True,
    network=Network(cidr="10.72.0.0/20", grows=False),
    trusted_cidrs=("140.107.0.0/16", "2a00:1450::/29"),
    trusted_vpcs=("vpc-0f1e2d3c",),
    architecture="ARM64",
    capacity=Ec2Capacity(instance_types=(C7G,), warm=2),
)
"""Analysts of one office, on ARM instances that are kept warm, by FIPS endpoints, in subnets that
divide their block."""

_CENTER: Final = replace(
    DEV,
    name="center",
    shared=None,
    identity=IdentityCenter(
        instance_arn="arn:aws:sso:::instance/ssoins-0123456789abcdef",
        account="999900001111",
        region="eu-central-1",
        groups=tuple(
            WorkspaceGroups(
                workspace=name,
                analysts=f"{'a' * 8}-1111-1111-1111-{'c' * 12}",
                stewards=f"{'b' * 8}-1111-1111-1111-{'c' * 12}" if name == "sandbox" else None,
            )
            for name in ("sandbox", "rarediseasesandmore")
        ),
        platform_group=f"{'d' * 8}-1111-1111-1111-{'c' * 12}",
        user_attribute="${path:enterprise.employeeNumber}",
        sets_attribute=False,
    ),
    network=Network(cidr="10.73.0.0/20", existing=GROUPED, endpoints="while_bursting"),
    other_architectures=("ARM64",),
    workspaces=tuple(replace(_SANDBOX, name=name) for name in ("sandbox", "rarediseasesandmore")),
)
"""People of IAM Identity Center, in an existing VPC with groups of its owner, whose endpoints come
and go; no budgets."""

_SPOT: Final = replace(
    DEV,
    name="spot",
    shared=None,
    identity=SamlProvider(
        arn=f"arn:aws:iam::{DEV.account}:saml-provider/company",
        audience="https://eu-west-1.signin.aws.amazon.com/saml",
    ),
    network=Network(cidr="10.74.0.0/20", client_groups=("sg-0a1b2c3d",)),
    workspaces=(
        replace(
            _SANDBOX,
            secrets=(
                Secret(variable="PORTAL_TOKEN", arn=f"{_SECRETS}:portal-a1B2c3"),
                Secret(
                    variable="WAREHOUSE_PASSWORD",
                    arn=f"{_SECRETS}:warehouse/reader-D4e5F6",
                    json_key="password",
                    key_arn=f"arn:aws:kms:{DEV.region}:{DEV.account}:key/0a1b2c3d",
                ),
            ),
        ),
    ),
    capacity=Ec2Capacity(instance_types=(C7I, M7I), spot=True, most=12, disk_gb=150),
)
"""x86 instances of two types, on demand and on Spot, clients inside the VPC, and secrets."""

VARIANTS: Final[tuple[Environment, ...]] = (_MFA, _BROKER, _OFFICE, _CENTER, _SPOT)
"""All pass the gate and cfn-lint, and the theorems hold of all."""


def synthesize_variants(
    outdir: Path, *, validate: bool, variants: Sequence[Environment] = VARIANTS
) -> cdk.App:
    """Synthesize all of them in one app, whose ``cdk.json`` names the organization's qualifier."""
    settings = json.loads((app.HERE / "cdk.json").read_text())
    settings["context"]["@aws-cdk/core:bootstrapQualifier"] = QUALIFIER
    (outdir / "cdk.json").write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(app, "HERE", outdir)
        built = app.build(variants, outdir=str(outdir), validate=validate)
    built.synth()
    return built

"""The environments of this deployment: the only file that most adopters edit."""

from __future__ import annotations

from stacks.settings import (
    Audit,
    BrokerRole,
    Environment,
    Network,
    SamlProvider,
    Shared,
    Storage,
    Workspace,
)
from starburst.contract import Limits, Totals

__all__ = ["ALL", "DEV", "LOCAL", "PROD", "REGULATED"]

LOCAL = Environment(
    name="local",
    account="111122223333",
    region="eu-west-1",
    allowed_regions=("eu-west-1",),
    purpose="test",
    data_class="internal",
    identity=BrokerRole(arn="arn:aws:iam::111122223333:role/starburst-login-broker"),
    workspaces=(
        Workspace(
            name="demo",
            cpu=0.25,
            memory_gb=0.5,
            budget_emails=("team@example.com",),
            packages="any",
            data_writers="analysts",
            home_links=True,
        ),
        # As a careful team would have it: a steward's packages and data.
        Workspace(
            name="other",
            cpu=0.25,
            memory_gb=0.5,
            budget_emails=("team@example.com",),
            packages="allowed",
            allowed_packages=("humanize>=4,<5",),
        ),
    ),
    network=Network(endpoints="while_bursting"),
    # The emulator has no rules of Contributor Insights.
    audit=Audit(person_gb_per_hour=None, person_objects_per_hour=None),
    # Whoever holds deploy.hold, deploy.erase and deploy.restore; in production, beside break-glass.
    data_role_arns=tuple(
        f"arn:aws:iam::111122223333:role/{name}" for name in ("holder", "eraser", "restorer")
    ),
    log_retention_days=7,
    packs=(),
    without=("default-security-group", "query-definitions", "registry-scanning", "source-vpce"),
)

DEV = Environment(
    name="dev",
    account="444455556666",
    region="eu-west-1",
    allowed_regions=("eu-west-1", "eu-central-1"),
    purpose="test",
    data_class="internal",
    identity=SamlProvider(arn="arn:aws:iam::444455556666:saml-provider/company"),
    alert_emails=("platform@example.com",),
    workspaces=(
        Workspace(
            name="sandbox",
            limits=Limits(workers=20, vcpu=80, memory_gb=320, usd_per_hour=5),
            budget_emails=("platform@example.com",),
            packages="any",
            data_writers="analysts",
            data_days=30,
            home_days=30,
        ),
    ),
    network=Network(endpoints="while_bursting"),
    storage=Storage(session_days=7, noncurrent_days=1),
    # Idle it costs less than five dollars a month: the rule that counts objects is 0.60 of it.
    audit=Audit(person_objects_per_hour=None),
    log_retention_days=30,
)

PROD = Environment(
    name="prod",
    account="222233334444",
    region="eu-west-1",
    allowed_regions=("eu-west-1", "eu-central-1"),
    purpose="production",
    data_class="restricted",
    identity=SamlProvider(arn="arn:aws:iam::222233334444:saml-provider/company"),
    alert_emails=("platform@example.com",),
    security_emails=("security@example.com",),
    workspaces=(
        Workspace(
            name="genomics",
            limits=Limits(workers=500, vcpu=2000, memory_gb=8000, usd_per_hour=150),
            # One session at its limits, for a day of them, and no more a month than the budget.
            totals=Totals(
                sessions=50,
                workers=500,
                vcpu=2000,
                memory_gb=8000,
                usd_per_hour=150,
                usd_per_day=3600,
                usd_per_month=5000,
            ),
            cpu=4,
            memory_gb=8,
            monthly_budget_usd=5000,
            budget_emails=("genomics-leads@example.com", "platform@example.com"),
            packages="allowed",
            allowed_packages=("biopython>=1.85,<2", "pysam>=0.23,<1", "scikit-allel"),
            data_days=730,
        ),
        Workspace(
            name="markets",
            limits=Limits(workers=100, vcpu=400, memory_gb=1600, usd_per_hour=30),
            totals=Totals(
                sessions=30,
                workers=200,
                vcpu=800,
                memory_gb=3200,
                usd_per_hour=60,
                usd_per_day=720,
                usd_per_month=1000,
            ),
            monthly_budget_usd=1000,
            budget_emails=("markets-leads@example.com",),
        ),
    ),
    totals=Totals(
        sessions=60,
        workers=600,
        vcpu=2400,
        memory_gb=9600,
        usd_per_hour=180,
        usd_per_day=4000,
        usd_per_month=6000,
    ),
    user_totals=Totals(
        sessions=10,
        workers=500,
        vcpu=2000,
        memory_gb=8000,
        usd_per_hour=150,
        usd_per_day=3600,
        usd_per_month=4000,
    ),
    network=Network(cidr="10.64.16.0/20", zones=3),
    break_glass_role_arn="arn:aws:iam::222233334444:role/break-glass",
)

REGULATED = Environment(
    name="regulated",
    account="333344445555",
    region="eu-central-1",
    allowed_regions=("eu-central-1",),
    purpose="production",
    data_class="restricted",
    identity=SamlProvider(arn="arn:aws:iam::333344445555:saml-provider/hospital"),
    alert_emails=("platform@example.com",),
    security_emails=("security@example.com",),
    workspaces=(
        Workspace(
            name="trials",
            limits=Limits(
                workers=200,
                vcpu=800,
                memory_gb=3200,
                timeout_seconds=43_200,
                usd_per_hour=60,
                pickle_results=False,
            ),
            totals=Totals(
                sessions=20,
                workers=300,
                vcpu=1200,
                memory_gb=4800,
                usd_per_hour=90,
                usd_per_day=1000,
                usd_per_month=2000,
            ),
            monthly_budget_usd=2000,
            budget_emails=("trials-leads@example.com", "privacy@example.com"),
        ),
    ),
    totals=Totals(
        sessions=20,
        workers=300,
        vcpu=1200,
        memory_gb=4800,
        usd_per_hour=90,
        usd_per_day=1000,
        usd_per_month=2000,
    ),
    user_totals=Totals(
        sessions=5,
        workers=200,
        vcpu=800,
        memory_gb=3200,
        usd_per_hour=60,
        usd_per_day=720,
        usd_per_month=1500,
    ),
    freeze_at_budget=True,
    network=Network(cidr="10.64.32.0/20", zones=3),
    shared=Shared(block_public_access=True),
    storage=Storage(encryption="kms:dsse", session_days=14, noncurrent_days=30),
    break_glass_role_arn="arn:aws:iam::333344445555:role/break-glass",
    audit=Audit(log_days=3653),
    log_retention_days=2192,
)

ALL = (LOCAL, DEV, PROD, REGULATED)

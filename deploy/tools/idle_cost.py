"""What an idle environment costs a month, from its synthesized templates."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from environments import ALL
from stacks.settings.addon import Price
from starburst.aws.calls import TROUBLE
from starburst.aws.cost_tag import CostTag, billing, look_at_cost_tag
from starburst.contract import COST_TAG
from starburst.contract.sweep_line import SWEEP_PATTERN
from starburst.errors import ConfigurationError
from starburst.pricing.prices import Prices, load
from starburst_constructs.naming import HEARTBEAT

__all__ = ["IdleCost", "Item", "idle_cost", "main", "markdown", "templates_by_environment"]

HOURS_A_MONTH: Final = 730

POLLS_AN_HOUR: Final = 5 * 3600 / 20
"""Lambda polls an idle queue five times at once, and a long poll of SQS lasts 20 seconds at most.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html.
"""

METRIC_MONTH: Final = 0.30
"""US dollars for a metric of one's own, by the hours in which it is sent: heartbeats always.

Source: https://aws.amazon.com/cloudwatch/pricing/, the first 10,000 metrics, alike in every Region.
"""

INSIGHT_RULE_MONTH: Final = 0.50
"""US dollars for a rule of Contributor Insights; events that match cost 0.02 a million on top.

Source: https://aws.amazon.com/cloudwatch/pricing/, alike in every Region that it names.
"""

BUDGET_MONTH: Final = 0.0
"""US dollars for a budget without actions.
Source: https://aws.amazon.com/aws-cost-management/aws-budgets/pricing/, alike in every Region.
"""

EMULATED: Final = "local"
"""The environment that runs on loopback and costs nothing."""

Resource = Mapping[str, Any]
Template = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """Things of one kind that are billed for existing.

    Attributes:
        what: the kind, in plain words.
        quantity: how many; of interface endpoints, how many in how many zones, summed.
        unit_usd: what one costs a month.
    """

    what: str
    quantity: int
    unit_usd: float

    @property
    def usd(self) -> float:
        """What they cost a month together."""
        return self.quantity * self.unit_usd


@dataclass(frozen=True, kw_only=True, slots=True)
class IdleCost:
    """The bill of an idle environment.

    Attributes:
        items: what is billed for existing.
        by_use: resource types that are billed by use only, so next to nothing while idle.
        not_priced: resource types that this module or the Region's prices know no price for, each
            with its number.
        hour: what comes on top while a session runs, in US dollars an hour: what a parameter
            turns on that is off to begin with.
    """

    items: tuple[Item, ...]
    by_use: tuple[str, ...]
    not_priced: tuple[tuple[str, int], ...]
    hour: float = 0

    @property
    def usd(self) -> float:
        """What the environment costs a month while idle, ``not_priced`` left out."""
        return sum(item.usd for item in self.items)


def _endpoint_zones(properties: Resource) -> int | None:
    if properties.get("VpcEndpointType", "Gateway") == "Gateway":
        return 0
    subnets = properties.get("SubnetIds")
    return len(subnets) if isinstance(subnets, list) else None


def _alarm_metrics(properties: Resource) -> int | None:
    return sum("MetricStat" in query for query in properties.get("Metrics", ())) or 1


def _standing_metrics(properties: Resource) -> int:
    sweeps = properties.get("FilterPattern") == SWEEP_PATTERN
    return int(sweeps or f'{HEARTBEAT}"' in json.dumps(properties))


def _times(rate: float | None, units: float) -> float | None:
    return None if rate is None else rate * units


STANDING: Final[Mapping[str, Price]] = {
    "AWS::EC2::VPCEndpoint": Price(
        what="interface endpoints, by zone",
        units=_endpoint_zones,
        month=lambda prices: _times(prices.endpoint_az_hour, HOURS_A_MONTH),
    ),
    "AWS::EC2::NatGateway": Price(
        what="NAT gateways",
        month=lambda prices: _times(prices.nat_hour, HOURS_A_MONTH),
    ),
    "AWS::KMS::Key": Price(what="KMS keys", month=lambda prices: prices.key_month),
    "AWS::CloudWatch::Alarm": Price(
        what="alarms", units=_alarm_metrics, month=lambda prices: prices.alarm_month
    ),
    "AWS::CloudWatch::InsightRule": Price(
        what="rules of Contributor Insights", month=lambda _: INSIGHT_RULE_MONTH
    ),
    "AWS::Logs::MetricFilter": Price(
        what="metrics", units=_standing_metrics, month=lambda _: METRIC_MONTH
    ),
    "AWS::Budgets::Budget": Price(what="budgets", month=lambda _: BUDGET_MONTH),
    "AWS::Lambda::EventSourceMapping": Price(
        what="queues that Lambda polls",
        month=lambda prices: _times(prices.sqs_million, POLLS_AN_HOUR * HOURS_A_MONTH / 1e6),
    ),
}
"""Billed for existing."""

BY_USE: Final = frozenset(
    {
        "AWS::Athena::WorkGroup",
        "AWS::AutoScaling::AutoScalingGroup",
        "AWS::CloudTrail::Trail",
        "AWS::EC2::FlowLog",
        "AWS::ECR::Repository",
        "AWS::ECS::Cluster",
        "AWS::ECS::TaskDefinition",
        "AWS::Events::Rule",
        "AWS::GuardDuty::Detector",
        "AWS::KinesisFirehose::DeliveryStream",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SSM::Association",
        "AWS::SQS::Queue",
        "AWS::Scheduler::Schedule",
        "AWS::StepFunctions::StateMachine",
    }
)
"""Billed by bytes, requests or run time; an idle environment has next to none of these."""

FREE: Final = frozenset(
    {
        "AWS::AccessAnalyzer::Analyzer:ACCOUNT",
        "AWS::Athena::NamedQuery",
        "AWS::CDK::Metadata",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::LaunchTemplate",
        "AWS::EC2::NetworkAcl",
        "AWS::EC2::NetworkAclEntry",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetNetworkAclAssociation",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCBlockPublicAccessOptions",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECR::RegistryPolicy",
        "AWS::ECR::RegistryScanningConfiguration",
        "AWS::ECS::CapacityProvider",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::Logs::QueryDefinition",
        "AWS::Logs::ResourcePolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter:Standard",
    }
)
"""Never billed. A type whose price depends on its tier is named with that tier."""

TIERS: Final = {
    "AWS::AccessAnalyzer::Analyzer": ("Type", "ACCOUNT"),
    "AWS::SSM::Parameter": ("Tier", "Standard"),
}
"""Which property sets the tier, and what it is where the property is absent."""


def idle_cost(
    templates: Iterable[Template], prices: Prices, *, own: Mapping[str, Price] | None = None
) -> IdleCost:
    """Count what ``templates`` hold and price it.

    Args:
        templates: of one environment.
        prices: of its Region.
        own: how further resource types are billed, as its add-ons say.

    Example:
        >>> bill = idle_cost([{"Resources": {"Key": {"Type": "AWS::KMS::Key"}}}], load("eu-west-1"))
        >>> bill.usd
        1.0
    """
    known = {**(own or {}), **STANDING}
    months = {kind: entry.month(prices) for kind, entry in known.items()}
    standing: Counter[str] = Counter()
    passing: Counter[str] = Counter()
    by_use: set[str] = set()
    not_priced: Counter[str] = Counter()
    for template in templates:
        for resource in template.get("Resources", {}).values():
            there = _is_there(resource, template)
            kind, properties = resource["Type"], resource.get("Properties", {})
            if kind in TIERS:
                name, default = TIERS[kind]
                kind = f"{kind}:{properties.get(name, default)}"
            if kind in known:
                units = known[kind].units(properties)
                if units is None or (units and months[kind] is None):
                    not_priced[kind] += 1
                else:
                    (standing if there else passing)[kind] += units
            elif kind in BY_USE:
                by_use.add(kind)
            elif kind not in FREE and not kind.startswith("Custom::"):
                not_priced[kind] += 1
    return IdleCost(
        items=tuple(
            Item(what=entry.what, quantity=standing[kind], unit_usd=months[kind] or 0)
            for kind, entry in known.items()
            if standing[kind] and entry.what
        ),
        by_use=tuple(sorted(by_use)),
        not_priced=tuple(sorted(not_priced.items())),
        hour=sum((months[kind] or 0) * passing[kind] for kind in passing) / HOURS_A_MONTH,
    )


def _is_there(resource: Resource, template: Template) -> bool:
    """Return whether a resource exists while all parameters have the values that they begin with.

    A condition that compares anything else than a parameter with a word counts as met.
    """
    condition = template.get("Conditions", {}).get(resource.get("Condition"), {})
    match condition.get("Fn::Equals"):
        case [{"Ref": str(name)}, str(word)]:
            return template.get("Parameters", {}).get(name, {}).get("Default", word) == word
        case _:
            return True


def markdown(bills: Mapping[tuple[str, str], IdleCost | None]) -> str:
    """Return a table with one row for each ``(environment, region)``; None has no known prices."""
    kinds = [entry.what for entry in STANDING.values()]
    items = [item.what for bill in bills.values() if bill is not None for item in bill.items]
    kinds += [what for what in dict.fromkeys(items) if what not in kinds]
    lines = [
        f"| environment | region | {' | '.join(kinds)} | USD a month |",
        "|---|---|" + "---:|" * (len(kinds) + 1),
    ]
    by_use: set[str] = set()
    notes: list[str] = []
    for (environment, region), bill in bills.items():
        if bill is None:
            lines.append(f"| {environment} | {region} |{' |' * len(kinds)} no prices known |")
            continue
        items = {item.what: f"{item.quantity}: {item.usd:.2f}" for item in bill.items}
        cells = " | ".join(items.get(kind, "-") for kind in kinds)
        lines.append(f"| {environment} | {region} | {cells} | **{bill.usd:.2f}** |")
        by_use.update(bill.by_use)
        if bill.hour:
            notes.append(
                f"While a session runs in {environment}, its private endpoints cost "
                f"{bill.hour:.3f} USD an hour on top; a started hour counts as a whole one."
            )
        missing = ", ".join(f"{number} {kind}" for kind, number in bill.not_priced)
        notes += [f"Not priced in {environment}: {missing}."] if missing else []
    short = ", ".join(sorted(kind.removeprefix("AWS::") for kind in by_use))
    notes.append(f"Billed by use only, next to nothing at rest: {short or 'nothing'}.")
    notes.append(
        "A KMS key costs as much again after its first and after its second yearly rotation."
    )
    return "\n".join((*lines, "", *notes))


def templates_by_environment(assembly: Path) -> dict[tuple[str, str], list[Template]]:
    """Read what ``python app.py`` or the CDK CLI wrote: all templates of each environment.

    Raises:
        FileNotFoundError: nothing was synthesized into ``assembly``.
    """
    found: dict[tuple[str, str], list[Template]] = {}
    for stage in _artifacts(assembly, "cdk:cloud-assembly"):
        folder = assembly / stage["properties"]["directoryName"]
        for stack in _artifacts(folder, "aws:cloudformation:stack"):
            region = stack["environment"].rpartition("/")[2]
            template = json.loads((folder / stack["properties"]["templateFile"]).read_text())
            found.setdefault((stage["properties"]["displayName"], region), []).append(template)
    return found


def _artifacts(assembly: Path, kind: str) -> Iterable[Mapping[str, Any]]:
    manifest = json.loads((assembly / "manifest.json").read_text())
    return [entry for entry in manifest["artifacts"].values() if entry["type"] == kind]


def _bill(environment: str, region: str, templates: Iterable[Template]) -> IdleCost | None:
    own = {
        kind: price
        for each in ALL
        if each.name == environment
        for addon in each.addons
        for kind, price in addon.prices().items()
    }
    prices = next((each.prices for each in ALL if each.name == environment), None)
    try:
        return idle_cost(templates, load(region, prices), own=own)
    except ConfigurationError:
        return None


def _cost_tag() -> CostTag:
    try:
        return look_at_cost_tag(billing(boto3.session.Session()), COST_TAG)
    except TROUBLE as error:  # such as a profile that is not there
        return CostTag(
            active=None, text=f"whether budgets count what workspaces cause is unknown: {error}"
        )


def main(assembly: str = "cdk.out", *, cost_tag: Callable[[], CostTag] = _cost_tag) -> int:
    """Print the table of every synthesized environment; return 1 where there is none.

    Args:
        assembly: what was synthesized.
        cost_tag: asks AWS whether budgets count; without credentials that is unknown.
    """
    try:
        found = templates_by_environment(Path(assembly))
    except FileNotFoundError as error:
        sys.stderr.write(f"There is no {error.filename}; run: python app.py\n")
        return 1
    bills = {
        (environment, region): _bill(environment, region, templates)
        for (environment, region), templates in found.items()
        if environment != EMULATED
    }
    sys.stdout.write(f"{markdown(bills)}\n")
    if bills:
        sys.stdout.write(f"{_capital(cost_tag().text)}.\n")
    return 0


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deploy.tools.idle_cost", description=__doc__)
    parser.add_argument("assembly", nargs="?", default="cdk.out", help="default: %(default)s")
    sys.exit(main(parser.parse_args().assembly))

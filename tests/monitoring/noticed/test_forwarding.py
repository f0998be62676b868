"""What EventBridge passes on is all that filters ask for, in patterns that it takes."""

from __future__ import annotations

import ipaddress
import json
from itertools import pairwise

import pytest

from stacks.settings.checks.clusters import MOST_CLUSTERS
from starburst_constructs.monitoring.noticed.forwarding import (
    elsewhere_patterns,
    outside,
    trail_patterns,
)
from starburst_constructs.monitoring.noticed.listening import Watched
from starburst_constructs.monitoring.noticed.patterns import MOST_CHARACTERS, in_detail
from starburst_constructs.naming import deployer_arn
from starburst_constructs.placement import Placement
from tests.monitoring.noticed.world import World
from tests.some import some

LONGEST = Placement(account="1" * 12, region="ap-southeast-2")
MOST_FILTERS = 100
"""Of one log group, https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/
cloudwatch_limits_cwl.html."""
EVENT_PATTERN = 2048
MOST_ROLES = 12
"""Ten that reach data, the broker's, and the platform team's."""
TRUSTED = (
    ("140.107.0.0/16",),
    ("140.107.3.4/32",),
    ("140.107.0.0/16", "140.107.3.0/24", "140.108.0.0/16", "2001:4860::/32"),
    tuple(f"140.{number}.{number}.{number}/32" for number in range(50)),
)


def watched(subnets: int = 6) -> Watched:
    return Watched(
        environment="e" * 12,
        placement=LONGEST,
        group_id=f"sg-{'0' * 17}",
        subnet_ids=[f"subnet-{number:017}" for number in range(subnets)],
        key_ids={"LogsKey": "0" * 36, "DataKey": "1" * 36},
        deployer=deployer_arn(account="1" * 12, region="ap-southeast-2", qualifier="q" * 10),
        break_glass=f"arn:aws:iam::{'1' * 12}:role/{'b' * 64}",
        trusted=[
            *(f"arn:aws:iam::{'1' * 12}:role/{number:064}" for number in range(MOST_ROLES)),
            f"arn:aws:iam::{'1' * 12}:saml-provider/{'p' * 128}",
        ],
        bucket="b" * 63,
        own_groups={f"{number:032}": f"sg-{number:017}" for number in range(MOST_CLUSTERS)},
    )


def test_the_longest_names_fit_into_every_pattern() -> None:
    filters = [
        pattern for patterns in watched().filters().values() for pattern in patterns.values()
    ]
    assert len(filters) < MOST_FILTERS
    for pattern in some(filters):
        assert len(in_detail(pattern)) <= MOST_CHARACTERS
    patterns = [
        *trail_patterns(
            "e" * 12, placement=LONGEST, bucket="b" * 63, break_glass=f"arn:{'b' * 80}"
        ).values(),
        *(
            pattern
            for trusted in TRUSTED
            for pattern in elsewhere_patterns("e" * 12, bucket="b" * 63, trusted=trusted).values()
        ),
    ]
    for pattern in some(patterns):
        assert len(json.dumps(pattern)) <= EVENT_PATTERN


@pytest.mark.parametrize("trusted", TRUSTED, ids=len)
def test_the_blocks_outside_some_networks_are_all_others(trusted: tuple[str, ...]) -> None:
    inside = list(
        ipaddress.collapse_addresses(
            network
            for each in trusted
            if isinstance(network := ipaddress.ip_network(each), ipaddress.IPv4Network)
        )
    )
    others = [each for each in outside(trusted) if isinstance(each, ipaddress.IPv4Network)]
    everything = sorted([*inside, *others])
    assert int(everything[0][0]) == 0
    assert int(everything[-1][-1]) == 2**32 - 1
    for one, following in pairwise(everything):
        assert int(one[-1]) + 1 == int(following[0])
    assert not any(each.prefixlen == 0 for each in outside(trusted))


def test_a_log_is_written_by_our_own_rules_alone(forwarded: World) -> None:
    template = forwarded.template("control")["Resources"].values()
    policies = [each for each in template if each["Type"] == "AWS::Logs::ResourcePolicy"]
    for each in some(policies):
        document = json.loads(each["Properties"]["PolicyDocument"])
        for statement in some(document["Statement"]):
            assert statement["Principal"]["Service"] in (
                "events.amazonaws.com",
                "delivery.logs.amazonaws.com",
            )
            assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
            account, region = forwarded.environment.account, forwarded.environment.region
            assert statement["Condition"] == {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:aws:events:{region}:{account}:rule/*"},
            }
    logs = [each for each in template if each["Type"] == "AWS::Logs::LogGroup"]
    assert all("KmsKeyId" in each["Properties"] for each in some(logs))


def test_without_a_trail_of_its_own_an_environment_has_the_same_alarms(
    own: World, forwarded: World
) -> None:
    assert forwarded.alarms - own.alarms == {"Outsiders"}
    assert own.alarms <= forwarded.alarms

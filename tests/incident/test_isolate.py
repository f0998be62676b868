"""Isolating cuts the workers off, writes down what was there, and puts exactly that back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from deploy.incident.command import Clients
from deploy.incident.isolate import main
from environments import PROD as PRODUCTION
from stacks.settings import ExistingVpc
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import isolator_document
from starburst_constructs.policies.incident_statements import Locker
from tests.incident.calls import actions, taken
from tests.incident.environments import AUDIT, LOGS_KEY, Trail, make_audit, records
from tests.quick_moto import quick_aws

PROD = ["--environment", "prod"]


class Controller:
    """Lambda, as far as the controller's settings go."""

    def __init__(self, **variables: str) -> None:
        self.variables = {"STARBURST_ENVIRONMENT": "prod", **variables}

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "starburst-prod-controller"
        return {"Environment": {"Variables": self.variables}}


@pytest.fixture(scope="module")
def aws() -> Iterator[Clients]:
    """EC2, made once: it takes moto more than a second."""
    with quick_aws():
        session = boto3.Session(
            region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        s3 = session.client("s3", region_name="us-east-1")
        make_audit(s3)
        made = {
            "ec2": session.client("ec2"),
            "s3": s3,
            "sts": session.client("sts"),
            "cloudtrail": Trail(),
        }
        yield made.__getitem__


@pytest.fixture
def clients(aws: Clients) -> Clients:
    """A VPC with two workers' subnets, each with an ACL, and one that is not ours to cut."""
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(3)
    ]
    own = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    [first, *_] = associations(ec2, vpc)
    ec2.replace_network_acl_association(AssociationId=first[0], NetworkAclId=own)
    group, endpoints = (
        ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)["GroupId"]
        for name in ("workers", "endpoints")
    )
    everything = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything["IpPermissionsEgress"])
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    to_endpoints = {"GroupId": endpoints, "Description": "HTTPS to interface endpoints"}
    ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[
            {**https, "UserIdGroupPairs": [to_endpoints]},
            {**https, "PrefixListIds": [{"PrefixListId": "pl-1", "Description": "S3"}]},
        ],
    )
    function = Controller(STARBURST_SUBNETS=",".join(subnets[:2]), STARBURST_SECURITY_GROUP=group)
    return lambda service: function if service == "lambda" else aws(service)


def associations(ec2: Any, vpc: str) -> list[tuple[str, str, str]]:
    """Return association, subnet and ACL of each subnet."""
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    found = [(one, acl["NetworkAclId"]) for acl in acls for one in acl["Associations"]]
    return sorted((one["NetworkAclAssociationId"], one["SubnetId"], acl) for one, acl in found)


def network(clients: Clients) -> tuple[dict[str, str], list[Any], int]:
    """Return the ACL of each subnet, the group's rules, and how many ACLs there are."""
    ec2, function = clients("ec2"), cast("Controller", clients("lambda"))
    [group] = ec2.describe_security_groups(
        GroupIds=[function.variables["STARBURST_SECURITY_GROUP"]]
    )["SecurityGroups"]
    found = associations(ec2, group["VpcId"])
    acls = {subnet: acl for _, subnet, acl in found}
    rules = sorted(json.dumps(rule, sort_keys=True) for rule in group["IpPermissionsEgress"])
    there = [{"Name": "vpc-id", "Values": [group["VpcId"]]}]
    return acls, rules, len(ec2.describe_network_acls(Filters=there)["NetworkAcls"])


def test_it_only_shows_unless_told(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, record = network(clients), tmp_path / "record.json"
    assert main([*PROD, "--record", str(record)], clients=clients) == 0
    out = capsys.readouterr().out
    assert "HTTPS to interface endpoints" in out
    assert out.count("an ACL that lets nothing through") == 2
    assert network(clients) == before
    assert not record.exists()


def test_workers_that_run_apart_are_cut_off_too_and_the_way_back_is_exact(
    clients: Clients, tmp_path: Path
) -> None:
    ec2, function = clients("ec2"), cast("Controller", clients("lambda"))
    shared = function.variables["STARBURST_SECURITY_GROUP"]
    [group] = ec2.describe_security_groups(GroupIds=[shared])["SecurityGroups"]
    own = ec2.create_security_group(VpcId=group["VpcId"], GroupName="own", Description="own")
    function.variables["STARBURST_APART"] = f"genomics={own['GroupId']}"

    def rules() -> list[Any]:
        [found] = ec2.describe_security_groups(GroupIds=[own["GroupId"]])["SecurityGroups"]
        return list(found["IpPermissionsEgress"])

    before, words = rules(), [*PROD, "--record", str(tmp_path / "record.json")]
    assert before
    assert main([*words, "--apply"], clients=clients) == 0
    assert rules() == []
    assert main([*words, "--apply"], clients=clients) == 0, "again is as good as once"
    assert main([*words, "--undo", "--apply"], clients=clients) == 0
    assert rules() == before


def test_workers_are_cut_off_and_the_way_back_is_exact(clients: Clients, tmp_path: Path) -> None:
    before, words = network(clients), [*PROD, "--record", str(tmp_path / "record.json")]
    assert main([*words, "--apply"], clients=clients) == 0
    acls, rules, count = network(clients)
    assert rules == []
    assert count == before[2] + 1
    ours = cast("Controller", clients("lambda")).variables["STARBURST_SUBNETS"].split(",")
    [closed] = {acls[subnet] for subnet in ours}
    assert {subnet: acl for subnet, acl in acls.items() if subnet not in ours} == {
        subnet: acl for subnet, acl in before[0].items() if subnet not in ours
    }
    [made] = clients("ec2").describe_network_acls(NetworkAclIds=[closed])["NetworkAcls"]
    assert {entry["RuleAction"] for entry in made["Entries"]} <= {"deny"}

    again = network(clients)
    assert main([*words, "--apply"], clients=clients) == 0
    assert network(clients) == again
    assert main([*words, "--undo"], clients=clients) == 0
    assert network(clients) == again
    for _ in range(2):
        assert main([*words, "--undo", "--apply"], clients=clients) == 0
        assert network(clients) == before


def test_the_record_of_an_earlier_isolation_is_refused(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who healed and changed the rules since would lose the change by going back."""
    record = tmp_path / "record.json"
    words = [*PROD, "--record", str(record)]
    assert main([*words, "--apply"], clients=clients) == 0
    assert main([*words, "--undo", "--apply"], clients=clients) == 0
    written = record.read_text()
    capsys.readouterr()
    # Nothing was changed since: the same file says what to go back to, and is told of.
    assert main(words, clients=clients) == 0
    assert "is there already and stays as it is" in capsys.readouterr().out
    clients("ec2").authorize_security_group_egress(
        GroupId=cast("Controller", clients("lambda")).variables["STARBURST_SECURITY_GROUP"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "IpRanges": [{"CidrIp": "10.9.0.0/16", "Description": "a database, since"}],
            }
        ],
    )
    changed = network(clients)
    for more in ([], ["--apply"]):
        assert main([*words, *more], clients=clients) == 2
        assert "is of an earlier isolation" in capsys.readouterr().err
        assert network(clients) == changed
    assert record.read_text() == written
    another = [*PROD, "--record", str(tmp_path / "another.json")]
    assert main([*another, "--apply"], clients=clients) == 0
    assert network(clients)[1] == []
    # Now that it is cut off, its record is used again, and says so.
    capsys.readouterr()
    assert main([*another, "--apply"], clients=clients) == 0
    assert "is there already and stays as it is" in capsys.readouterr().out
    assert main([*another, "--undo", "--apply"], clients=clients) == 0
    assert network(clients) == changed


def test_what_stopped_half_way_goes_on(clients: Clients, tmp_path: Path) -> None:
    before, words = network(clients), [*PROD, "--record", str(tmp_path / "record.json")]
    assert main([*words, "--apply"], clients=clients) == 0
    ec2 = clients("ec2")
    [(association, subnet, _), *_] = [
        one
        for vpc in ec2.describe_vpcs()["Vpcs"]
        for one in associations(ec2, vpc["VpcId"])
        if one[1] in cast("Controller", clients("lambda")).variables["STARBURST_SUBNETS"]
    ]
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=before[0][subnet])
    assert main([*words, "--apply"], clients=clients) == 0
    assert network(clients)[0][subnet] != before[0][subnet]
    assert main([*words, "--undo", "--apply"], clients=clients) == 0
    assert network(clients) == before


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([*PROD, "--workspace", "genomics"], "deploy.contain"),
        ([*PROD, "--undo"], "RevokeSecurityGroupEgress"),
    ],
)
def test_what_cannot_be_done_is_said(
    clients: Clients,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    word: str,
) -> None:
    assert main([*words, "--record", str(tmp_path / "none")], clients=clients) == 2
    assert word in capsys.readouterr().err


def test_a_second_officer_makes_no_record_of_nothing(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PROD, "--record", str(tmp_path / "mine"), "--apply"], clients=clients) == 0
    assert main([*PROD, "--record", str(tmp_path / "hers"), "--apply"], clients=clients) == 2
    assert "cut off already" in capsys.readouterr().err
    assert not (tmp_path / "hers").exists()


def test_it_prints_exactly_the_permission_that_it_takes(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PROD, "--permission"], clients=clients) == 0
    printed = json.loads(capsys.readouterr().out)
    ec2, words = clients("ec2"), [*PROD, "--record", str(tmp_path / "record.json"), "--apply"]
    variables = cast("Controller", clients("lambda")).variables
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    addresses = {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(
        GroupId=variables["STARBURST_SECURITY_GROUP"],
        IpPermissions=[{**ssh, **addresses}],
    )
    calls = taken(ec2, clients("s3"))
    assert main(words, clients=clients) == 0
    assert main([*words, "--undo"], clients=clients) == 0
    # Tagging what is made is judged by itself, though it is no call of its own.
    assert calls | {"ec2:CreateTags"} == actions(printed, "ec2", "s3")
    locker = Locker(bucket=AUDIT, key_arn=LOGS_KEY)
    placement = Placement(account="222233334444", region="eu-west-1")
    assert printed == isolator_document("prod", locker=locker, placement=placement)
    assert list(complaints(Policy.parse("p", printed))) == []


def test_subnets_that_others_use_keep_their_acl(
    clients: Clients,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    existing = ExistingVpc(
        vpc_id="vpc-11111111",
        subnet_ids=("subnet-11111111", "subnet-22222222"),
        route_table_ids=("rtb-11111111", "rtb-22222222"),
    )
    shared = replace(PRODUCTION, network=replace(PRODUCTION.network, zones=2, existing=existing))
    monkeypatch.setattr("deploy.incident.command.ALL", (shared,))
    before, words = network(clients), [*PROD, "--record", str(tmp_path / "record.json")]
    assert main([*words, "--apply"], clients=clients) == 0
    assert "The subnets are your organization's" in capsys.readouterr().out
    assert network(clients) == (before[0], [], before[2])
    assert main([*words, "--undo", "--apply"], clients=clients) == 0
    assert network(clients) == before


def test_the_way_back_is_locked_as_well(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, path = set(records(clients("s3"))), tmp_path / "record.json"
    assert main([*PROD, "--record", str(path), "--apply"], clients=clients) == 0
    kept = records(clients("s3"))
    [key] = set(kept) - before
    assert "-isolate-" in key
    there, here = json.loads(kept[key]), json.loads(path.read_text())
    assert {name: there[name] for name in here} == here
    assert there["by"]


@pytest.mark.parametrize("name", ["STARBURST_SECURITY_GROUP", "STARBURST_SUBNETS"])
def test_a_controller_that_does_not_say_where_workers_run_is_told(
    clients: Clients, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be of another release: only what is looked for must be there."""
    del cast("Controller", clients("lambda")).variables[name]
    assert main(PROD, clients=clients) == 2
    assert name in capsys.readouterr().err


def test_a_record_that_cannot_be_one_is_said(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = tmp_path / "deep"
    deep.write_text("[" * 100_000)
    for record in (deep, tmp_path / ("x" * 300), tmp_path):
        for more in ([], ["--apply"], ["--undo", "--apply"]):
            assert main([*PROD, "--record", str(record), *more], clients=clients) == 2
            assert "name" in capsys.readouterr().err

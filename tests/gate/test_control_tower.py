"""Control Tower's rules are asked a service at a time, and none is lost by that."""

from __future__ import annotations

import json
import re
import tarfile
from importlib.metadata import distribution
from pathlib import Path

from starburst_assurance.packs.control_tower import ControlTower, guard_catalogue
from starburst_assurance.templates.template import Template

WHEEL = "cdklabs-cdk-validator-cfnguard"
RULES = re.compile(r"package/rules/control-tower/cfn-guard/.*\.guard")
SELECTED = re.compile(r"Type\s*(?:==|IN)\s*[\['\"\s]*(AWS::\w+::\w+)", re.IGNORECASE)


def test_no_rule_selects_a_type_that_its_metadata_leaves_out() -> None:
    """Otherwise an environment with that type only would pass unasked."""
    judged = {entry.file: set(entry.kinds) for entry in guard_catalogue()}
    [archive] = [
        file for file in distribution(WHEEL).files or () if file.name.endswith(".jsii.tgz")
    ]
    found = 0
    with tarfile.open(str(distribution(WHEEL).locate_file(archive))) as members:
        for member in members:
            file = members.extractfile(member)
            if file is None or not RULES.fullmatch(member.name):
                continue
            kinds = judged[Path(member.name).stem]
            assert kinds, member.name
            assert set(SELECTED.findall(file.read().decode())) <= kinds, member.name
            found += 1
    assert found > 200


def test_rules_of_every_service_judge_and_see_what_a_reference_leads_to() -> None:
    template = Template.of(
        {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
                "Key": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": False}},
                "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
                "Trail": {
                    "Type": "AWS::CloudTrail::Trail",
                    "Properties": {
                        "S3BucketName": {"Ref": "Bucket"},
                        "IsLogging": True,
                        "KMSKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
                        "CloudWatchLogsLogGroupArn": {"Fn::GetAtt": ["Log", "Arn"]},
                        "CloudWatchLogsRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    },
                },
                "Role": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {"AssumeRolePolicyDocument": {"Statement": []}},
                },
            }
        }
    )
    found = {(each.rule, each.path) for each in ControlTower().judge(template)}
    assert {
        ("CT.CLOUDTRAIL.PR.2", "Trail"),
        ("CT.CLOUDWATCH.PR.3", "Log"),
        ("CT.KMS.PR.1", "Key"),
        ("CT.S3.PR.1", "Bucket"),
        ("CT.SQS.PR.1", "Queue"),
    } <= found, json.dumps(sorted(found), indent=1)
    # The trail names its key and its log group by reference only.
    assert not {rule for rule, _ in found} & {"CT.CLOUDTRAIL.PR.1", "CT.CLOUDTRAIL.PR.3"}

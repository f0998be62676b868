"""The organization's policy is in IAM's form and means what it says; the post's is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deploy.credentials.organization_policy import main
from stacks.addons.identity_governance.instances_policy import instances_policy
from stacks.addons.identity_governance.policy_form import PolicyFormError, read_policy
from stacks.addons.identity_governance.theorems import instances_theorem
from starburst_assurance.proofs.encoding.encode import OPERATORS
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.organization_policies import read_organization_policy
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from tests.addons.conftest import ON, addon_of

ALLOWED = addon_of(ON, "governance").allowed_accounts
POSTED = """{
    "Version": "2012-10-17",
    "Statement" : [
        {
            "Sid": "DenyCreateAccountInstances",
            "Effect": "Deny",
            "Action": ["sso:CreateInstance"],
            "Resource": "*",
            "Condition": {
                "StringNotEquals": [
                    "aws:PrincipalAccount": ["111122223333"]
                ]
            }
        }
    ]
}"""
"""As AWS's post prints it."""

NOTHING = PolicySet(
    name="prod",
    account="222233334444",
    region="eu-west-1",
    regions=("eu-west-1",),
    policies={},
    roles=(),
    guarded=(),
    endpoints=(),
)
SCP = "AWS::Organizations::Policy"


def answer(document: Mapping[str, Any], allowed: Sequence[str]) -> str:
    return prove(instances_theorem(document, allowed), NOTHING).answer


@pytest.mark.parametrize("allowed", [(), ALLOWED[:1], ALLOWED], ids=len)
def test_named_accounts_make_instances_and_no_other_does(allowed: Sequence[str]) -> None:
    assert answer(instances_policy(allowed), allowed) == "proved"
    assert read_policy(json.dumps(instances_policy(allowed))) == instances_policy(allowed)


def changed(**words: Any) -> dict[str, Any]:
    document = instances_policy(ALLOWED)
    document["Statement"][0].update(words)
    return document


@pytest.mark.parametrize(
    "document",
    [
        instances_policy(ALLOWED[:1]),
        instances_policy((*ALLOWED, "999988887777")),
        instances_policy(()),
        changed(Action=["sso:DeleteInstance"]),
        changed(Action=["sso:*"]),
        changed(Action=["sso:CreateInstance", "sso:DeleteInstance"]),
        changed(Condition={"StringEquals": {"aws:PrincipalAccount": list(ALLOWED)}}),
        changed(Condition={"StringNotEquals": {"aws:SourceAccount": list(ALLOWED)}}),
        changed(Resource="arn:aws:sso:::instance/ssoins-other"),
    ],
    ids=lambda one: json.dumps(one["Statement"][0])[48:],
)
def test_a_policy_that_means_something_else_is_refuted(document: Mapping[str, Any]) -> None:
    assert answer(document, ALLOWED) == "refuted"


def test_the_posts_policy_is_refused() -> None:
    with pytest.raises(PolicyFormError, match="no JSON"):
        read_policy(POSTED)
    # With the brackets that would make it JSON it is no condition block either.
    listed = POSTED.replace('"aws:PrincipalAccount": ["111122223333"]', "{" + (
        '"aws:PrincipalAccount": ["111122223333"]' + "}"
    ))  # fmt: skip
    json.loads(listed)
    with pytest.raises(PolicyFormError, match="StringNotEquals holds no map"):
        read_policy(listed)
    with pytest.raises(ProofError, match="no policy in IAM's form"):
        read_organization_policy("posted", SCP, {"Content": listed})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"Statement": "x"}',
        '{"Statement": [{"Effect": "Deny", "Action": "sso:*", "Resource": "*"}]}',
        '{"Version": "2012-10-17", "Statement": []}',
        # Of a name that comes twice, who reads takes one, and IAM perhaps the other.
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Effect": "Allow", '
        '"Action": "*", "Resource": "*"}]}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyFormError):
        read_policy(text)


def test_one_statement_needs_no_list() -> None:
    document = {"Version": "2012-10-17", "Statement": ALL_OF_IT}
    assert read_policy(json.dumps(document)) == document


ALL_OF_IT = {"Effect": "Deny", "Action": "sso:CreateInstance", "Resource": "*"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Effect": None}, "no Effect"),
        ({"Effect": "deny"}, "no Effect"),
        ({"NotAction": "iam:*"}, "one of Action and NotAction"),
        ({"Principal": "*"}, "has Principal"),
        ({"Condition": []}, "no map of operators"),
        ({"Condition": {"StringEquals": {"aws:PrincipalAccount": []}}}, "holds no values"),
        ({"Sid": "A" * 5_100}, "AWS Organizations takes 5,120"),
        ({"Sid": "no letter!"}, "a Sid that is none"),
        ({"Action": []}, "has None under Action"),
        ({"Action": "CreateInstance"}, "has 'CreateInstance' under Action"),
        ({"Action": ["sso:CreateInstance", 7]}, "has 7 under Action"),
        ({"Resource": "bucket"}, "has 'bucket' under Resource"),
        ({"Acton": "sso:CreateInstance"}, "has Acton"),
        ({"Condition": {"StringNotEqual": {"a:b": "c"}}}, "StringNotEqual is no operator of IAM"),
        ({"Condition": {"ForEach:StringLike": {"a:b": "c"}}}, "ForEach:StringLike is no operator"),
        ({"Condition": {"NullIfExists": {"a:b": "true"}}}, "NullIfExists is no operator"),
        ({"Condition": {"StringLike": {"a:b": {}}}}, "a:b holds no values"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_organizations_would_not_take_is_refused(
    changes: Mapping[str, Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, refused = tmp_path / "policy.json", ""
    for statement, code in ((ALL_OF_IT, 0), ({**ALL_OF_IT, **changes}, 2), ({}, 2)):
        path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        assert main(["--check", str(path)]) == code
        if statement:
            refused = capsys.readouterr().err
    assert said in refused


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:MultiFactorAuthPresent": True}},
        {"NumericGreaterThan": {"aws:MultiFactorAuthAge": 3600}},
        {"ForAllValues:StringNotLikeIfExists": {"aws:TagKeys": ["a", "b"]}},
        {one: {"a:b": "c"} for one in sorted(OPERATORS)},
        {f"{one}IfExists": {"a:b": "c"} for one in sorted(OPERATORS - {"Null"})},
    ],
    ids=["bool", "number", "qualified", "every operator", "every operator if it exists"],
)
def test_every_condition_of_iam_is_taken(condition: Mapping[str, Any]) -> None:
    statement = {**ALL_OF_IT, "Condition": condition}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    assert read_policy(json.dumps(document)) == document


def test_two_statements_of_one_name_are_refused() -> None:
    named = {**ALL_OF_IT, "Sid": "Twice"}
    document = {"Version": "2012-10-17", "Statement": [named, named]}
    with pytest.raises(PolicyFormError, match="two statements are called Twice"):
        read_policy(json.dumps(document))


def test_organizations_keeps_it() -> None:
    with mock_aws():
        client = boto3.client("organizations", region_name="us-east-1")
        client.create_organization(FeatureSet="ALL")
        [root] = client.list_roots()["Roots"]
        client.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
        made = client.create_policy(
            Name="instances",
            Description="",
            Type="SERVICE_CONTROL_POLICY",
            Content=json.dumps(instances_policy(ALLOWED)),
        )["Policy"]["PolicySummary"]["Id"]
        client.attach_policy(PolicyId=made, TargetId=root["Id"])
        kept = client.describe_policy(PolicyId=made)["Policy"]["Content"]
    assert json.loads(kept) == instances_policy(ALLOWED)


def test_the_template_has_exactly_what_is_printed(
    templates: Mapping[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("deploy.incident.command.ALL", (ON,))
    assert main(["--environment", "prod"]) == 0
    printed = json.loads(capsys.readouterr().out)
    [deployed] = [
        each["Properties"]
        for each in templates["prod/governance"]["Resources"].values()
        if each["Type"] == SCP
    ]
    assert deployed["Content"] == printed == instances_policy(ALLOWED)
    assert (deployed["Type"], deployed["TargetIds"]) == ("SERVICE_CONTROL_POLICY", ["r-ab12"])


def test_an_environment_without_governance_has_none_to_print(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--environment", "prod"]) == 2
    assert "IdentityGovernance(…)" in capsys.readouterr().err


def test_a_file_is_checked_before_somebody_pastes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posted, ours = tmp_path / "posted.json", tmp_path / "ours.json"
    posted.write_text(POSTED)
    ours.write_text(json.dumps(instances_policy(ALLOWED)))
    assert main(["--check", str(posted)]) == 2
    assert "no JSON" in capsys.readouterr().err
    assert main(["--check", str(ours)]) == 0
    assert main(["--check", str(tmp_path / "none.json")]) == 2


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        (SCP, {"Content": {"Statement": {"Effect": "Allow", "Action": "*"}}}, "Deny statements"),
        (
            "AWS::Events::EventBus",
            {
                "Policy": {
                    "Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents"}
                }
            },
            "lets anybody tell",
        ),
        ("AWS::Events::EventBus", {"Policy": {}}, "no policy"),
    ],
)
def test_a_policy_that_opens_is_not_read_as_harmless(
    kind: str, properties: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(ProofError, match=said):
        read_organization_policy("x", kind, properties)

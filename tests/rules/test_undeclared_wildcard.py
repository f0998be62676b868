"""A wildcard in a policy is declared with its actions, and a declaration is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from environments import ALL
from starburst_assurance.rules import Verdict, undeclared_wildcard, unused_wildcards
from starburst_assurance.templates.template import Template, read_stage
from starburst_assurance.wildcards import check_wildcards, declared_wildcards
from starburst_constructs.policies.wildcards import Allow, Wildcard, WildcardError, patterns

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

BUCKET = {"Type": "AWS::S3::Bucket"}
OBJECTS = {"Fn::Join": ["", [{"Fn::GetAtt": ["Data666C94C7", "Arn"]}, "/${aws:userid}/*"]]}
LIST = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
READ = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [OBJECTS]}

EVERYTHING = Wildcard(
    policy="Policy",
    resource="*",
    reason="The action has no resource to name.",
    actions=("sqs:ListQueues",),
)
FOLDER = Wildcard(
    policy="Policy", resource="<Data666C94C7.Arn>/<aws:userid>/*", reason="A user's own folder."
)


def template(*statements: dict[str, Any], kind: str = "AWS::IAM::ManagedPolicy") -> Template:
    document = {"Statement": list(statements)}
    properties = {"PolicyDocument": document}
    if kind == "AWS::IAM::Role":
        properties = {"Policies": [{"PolicyName": "p", "PolicyDocument": document}]}
    return Template.of(
        {
            "Resources": {
                "Data666C94C7": BUCKET,
                "Policy": {"Type": kind, "Properties": properties},
            }
        }
    )


def problems(found: Template, *declared: Wildcard) -> tuple[str, ...]:
    return undeclared_wildcard(declared).result(found.resources["Policy"], found).problems


# The bucket's id has no stack of its own here, so its hash is cut as in a report.
FOLDER_HERE = replace(FOLDER, resource="<Data.Arn>/<aws:userid>/*")


def test_declared_wildcards_pass() -> None:
    found = template(LIST, READ)
    assert problems(found, EVERYTHING, FOLDER_HERE) == ()
    assert list(unused_wildcards([EVERYTHING, FOLDER_HERE], found)) == []


@pytest.mark.parametrize("kind", ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"])
def test_an_undeclared_pattern_is_refused_wherever_the_policy_stands(kind: str) -> None:
    assert "<Data.Arn>/<aws:userid>/*" in problems(template(READ, kind=kind))[0]


def test_a_declared_star_admits_no_further_action() -> None:
    wider = {**LIST, "Action": ["sqs:ListQueues", "iam:PassRole"]}
    assert problems(template(wider), EVERYTHING) == (
        "nobody declared iam:PassRole on every resource",
    )


def test_a_declaration_of_another_policy_does_not_count() -> None:
    assert problems(template(LIST), replace(EVERYTHING, policy="Other"))


@pytest.mark.parametrize(
    "open_ended",
    [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::one"},
        {"Effect": "Allow", "Action": "s3:G?tObject", "Resource": "arn:aws:s3:::one"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::one"},
        {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::one"},
    ],
)
def test_open_ended_statements_cannot_be_declared_away(open_ended: dict[str, Any]) -> None:
    assert problems(template(open_ended), EVERYTHING, FOLDER_HERE)


def test_a_deny_may_be_as_wide_as_it_likes() -> None:
    assert problems(template({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})) == ()


def test_a_declaration_that_no_policy_needs_is_refused() -> None:
    [line] = unused_wildcards([EVERYTHING, FOLDER_HERE], template(LIST))
    assert "no policy has it" in line
    [line] = unused_wildcards(
        [replace(EVERYTHING, actions=("sqs:ListQueues", "sqs:Gone"))], template(LIST)
    )
    assert "does not allow sqs:Gone" in line


@pytest.mark.parametrize(
    "bad",
    [
        replace(EVERYTHING, reason="because"),
        replace(EVERYTHING, actions=()),
        replace(EVERYTHING, actions=("sqs:*",)),
        replace(FOLDER, actions=("s3:GetObject",)),
        replace(FOLDER, policy="access/*/Resource"),
    ],
)
def test_a_declaration_that_leaves_something_open_is_refused(bad: Wildcard) -> None:
    with pytest.raises(WildcardError):
        check_wildcards([bad])


@pytest.mark.parametrize(
    ("reason", "resource", "wrong"),
    [
        ("because", "arn:aws:sqs:::a-*", "20 characters"),
        ("A reason that is long enough.", "arn:aws:sqs:::a", "is no pattern"),
    ],
)
def test_a_statement_whose_declaration_says_too_little_cannot_be_made(
    reason: str, resource: str, wrong: str
) -> None:
    with pytest.raises(WildcardError, match=wrong):
        Allow(sid="Queues", actions=["sqs:SendMessage"], resources=patterns(reason, resource))


def test_a_declaration_that_is_there_twice_is_refused() -> None:
    with pytest.raises(WildcardError, match="there twice"):
        check_wildcards([EVERYTHING, replace(EVERYTHING, reason="Another reason, as good.")])


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_each_environment_declares_what_it_has(environment: Any, assembly: CloudAssembly) -> None:
    files = Path(assembly.directory).glob(f"assembly-{environment.name}/*.template.json")
    found = read_stage(sorted(files), stage=environment.name)
    declared = declared_wildcards(found)
    assert declared
    rule = undeclared_wildcard(declared)
    verdicts = {rule.result(each, found).verdict for each in found.all_of(*rule.kinds)}
    assert verdicts == {Verdict.COMPLIANT}
    assert list(unused_wildcards(declared, found)) == []

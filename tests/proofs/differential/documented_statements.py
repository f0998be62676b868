"""AWS's examples of one statement: conditions, sets of values, variables, resources, actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.proofs.differential.examples import (
    EVERYTHING,
    Documented,
    asks,
    doc,
    example,
    user,
)

__all__ = ["STATEMENTS"]


def _conditions() -> Iterator[Documented]:
    page = "reference_policies_elements_condition_operators"

    def judged(
        what: str, statement: Mapping[str, Any], action: str, answer: str, **keys: Any
    ) -> Documented:
        asked = asks(user(), action, "arn:aws:ec2:us-east-1:111111111111:instance/i", **keys)
        return example(page, what, asked, answer, identity=(doc({**EVERYTHING, **statement}),))

    finance = "arn:aws:someservice:*:111122223333:finance/*"
    store = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
    for operator, answer in (("StringLike", "allowed"), ("ArnLike", "implicitly denied")):
        given = {"Condition": {operator: {"aws:SourceArn": finance}}}
        yield judged(f"{operator} over colons", given, "s3:GetObject", answer, aws__SourceArn=store)
    types = ["t1.*", "t2.*", "m3.*"]
    for operator, key, answer in (
        ("StringLike", None, "implicitly denied"),
        ("StringLikeIfExists", None, "allowed"),
        ("StringLikeIfExists", "t2.micro", "allowed"),
        ("StringLikeIfExists", "c5.large", "implicitly denied"),
    ):
        given = {"Action": "ec2:RunInstances", "Condition": {operator: {"ec2:InstanceType": types}}}
        keys = {"ec2__InstanceType": key} if key else {}
        yield judged(f"{operator} of {key}", given, "ec2:RunInstances", answer, **keys)
    null = {"Action": "ec2:*", "Condition": {"Null": {"aws:TokenIssueTime": "true"}}}
    yield judged("no temporary credentials", null, "ec2:RunInstances", "allowed")
    issued = {"aws__TokenIssueTime": "2020-01-01T00:00:02Z"}
    yield judged("temporary ones", null, "ec2:RunInstances", "implicitly denied", **issued)
    fresh = {"Condition": {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}}
    yield judged("issued in 2020", fresh, "iam:CreateAccessKey", "allowed", **issued)
    yield judged("an access key of a user", fresh, "iam:CreateAccessKey", "implicitly denied")
    few = {"Condition": {"NumericLessThanEquals": {"s3:max-keys": "10"}}}
    for count, answer in (("10", "allowed"), ("11", "implicitly denied")):
        yield judged(f"{count} keys", few, "s3:ListBucket", answer, **{"s3__max-keys": count})
    office = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    for address, answer in (("203.0.113.255", "allowed"), ("203.0.114.0", "implicitly denied")):
        yield judged(address, office, "iam:GetUser", answer, aws__SourceIp=address)
    yield judged("through an endpoint", office, "iam:GetUser", "implicitly denied")
    tag = {"Condition": {"StringEquals": {"aws:PrincipalTag/job-category": "iamuser-admin"}}}
    yield judged("a user without the tag", tag, "iam:GetUser", "implicitly denied")
    mfa = {
        "Effect": "Deny",
        "NotAction": "iam:*",
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    }
    for what, action, keys, answer in (
        (
            "without MFA",
            "s3:GetObject",
            {"aws__MultiFactorAuthPresent": "false"},
            "explicitly denied",
        ),
        ("with MFA", "s3:GetObject", {"aws__MultiFactorAuthPresent": "true"}, "allowed"),
        ("IAM without MFA", "iam:GetUser", {"aws__MultiFactorAuthPresent": "false"}, "allowed"),
    ):
        asked = asks(user(), action, "arn:aws:s3:::b/k", **keys)
        about = (doc(EVERYTHING, mfa),)
        yield example("reference_policies_elements_notaction", what, asked, answer, identity=about)
    regions = {
        "Effect": "Deny",
        "NotAction": ["cloudfront:*", "iam:*", "route53:*", "support:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]}},
    }
    for region, action, answer in (
        ("eu-west-1", "ec2:RunInstances", "allowed"),
        ("us-east-1", "ec2:RunInstances", "explicitly denied"),
        ("us-east-1", "iam:GetUser", "allowed"),
    ):
        asked = asks(user(), action, "arn:aws:s3:::b", aws__RequestedRegion=region)
        yield example(
            "reference_policies_examples_aws_deny-requested-region",
            f"{action} in {region}",
            asked,
            answer,
            identity=(doc(EVERYTHING, regions),),
        )


def _sets() -> Iterator[Documented]:
    page = "reference_policies_multi-value-conditions"
    table = "arn:aws:dynamodb:us-east-1:111111111111:table/Thread"

    def judged(
        what: str, statement: Mapping[str, Any], action: str, said: tuple[str, ...], answer: str
    ) -> Documented:
        keys: dict[str, Any] = {"dynamodb__Attributes": said} if said else {}
        asked = asks(user(), action, table, **keys)
        others = [EVERYTHING] if statement["Effect"] == "Deny" else []
        wide = {"Resource": "arn:aws:dynamodb:*:*:table/Thread", "Action": action}
        return example(page, what, asked, answer, identity=(doc({**wide, **statement}, *others),))

    wanted = ["PostDateTime", "Message", "Tags"]
    every = {
        "Effect": "Allow",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": wanted}},
    }
    for said, answer in (
        (("PostDateTime", "Message"), "allowed"),
        (("PostDateTime", "UserName"), "implicitly denied"),
        ((), "allowed"),
        (("",), "allowed"),
    ):
        yield judged(f"all of {said}", every, "dynamodb:GetItem", said, answer)
    some = {
        "Effect": "Deny",
        "Condition": {"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["ID", "PostDateTime"]}},
    }
    for said, answer in (
        (("PostDateTime", "Message"), "explicitly denied"),
        (("UserName", "Message", "PostDateTime"), "explicitly denied"),
        (("UserName",), "allowed"),
        ((), "allowed"),
    ):
        yield judged(f"any of {said}", some, "dynamodb:PutItem", said, answer)


def _variables() -> Iterator[Documented]:
    page = "reference_policies_variables"
    home = doc(
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::mybucket/${aws:username}/*",
        }
    )
    for name, answer in (("David", "allowed"), ("Adele", "implicitly denied")):
        asked = asks(
            user(name), "s3:GetObject", "arn:aws:s3:::mybucket/David/f", aws__username=name
        )
        yield example(page, f"{name} in David's home", asked, answer, identity=(home,))
    old = {**home, "Version": "2008-10-17"}
    asked = asks(
        user("David"), "s3:GetObject", "arn:aws:s3:::mybucket/David/f", aws__username="David"
    )
    yield example(
        page, "a variable in the older version", asked, "implicitly denied", identity=(old,)
    )
    team = "arn:aws:s3:::DOC-EXAMPLE-BUCKET-${aws:PrincipalTag/team, 'company-wide'}"
    bucket = doc({**EVERYTHING, "Action": "s3:ListBucket", "Resource": team})
    for tag, name, answer in (
        ("yellow", "yellow", "allowed"),
        ("yellow", "company-wide", "implicitly denied"),
        (None, "company-wide", "allowed"),
        (None, "yellow", "implicitly denied"),
    ):
        keys = {"aws__PrincipalTag/team": tag} if tag else {}
        target = f"arn:aws:s3:::DOC-EXAMPLE-BUCKET-{name}"
        asked = asks(user(), "s3:ListBucket", target, **keys)
        yield example(page, f"team {tag} in {name}", asked, answer, identity=(bucket,))
    owner = doc(
        {
            **EVERYTHING,
            "Action": ["ec2:StartInstances", "ec2:StopInstances"],
            "Condition": {"StringEquals": {"aws:ResourceTag/Owner": "${aws:username}"}},
        }
    )
    for name, answer in (("richard-roe", "allowed"), ("jane", "implicitly denied")):
        asked = asks(
            user(name),
            "ec2:StartInstances",
            "arn:aws:ec2:us-east-1:111111111111:instance/i",
            aws__username=name,
            **{"aws__ResourceTag/owner": "richard-roe"},
        )
        about = f"{name} starts what owner=richard-roe"
        yield example("access_tags", about, asked, answer, identity=(owner,))


def _resources() -> Iterator[Documented]:
    listed = doc({**EVERYTHING, "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*/test/*"})
    taken = (
        "1/test/object.jpg",
        "1/2/test/3/object.jpg",
        "1///test///object.jpg",
        "/test/object.jpg",
        "1/test/",
    )
    left = ("1-test/object.jpg", "test/object.jpg", "1/2/test.jpg")
    answers: list[tuple[str, str]] = [
        *((one, "allowed") for one in taken),
        *((one, "implicitly denied") for one in left),
    ]
    for key, answer in answers:
        asked = asks(user(), "s3:GetObject", f"arn:aws:s3:::DOC-EXAMPLE-BUCKET/{key}")
        yield example(
            "reference_policies_elements_resource", key, asked, answer, identity=(listed,)
        )
    payroll = {
        "Effect": "Deny",
        "Action": "s3:*",
        "NotResource": ["arn:aws:s3:::HRBucket/Payroll", "arn:aws:s3:::HRBucket/Payroll/*"],
    }
    for key, answer in (("Payroll/may", "allowed"), ("Other", "explicitly denied")):
        asked = asks(user(), "s3:GetObject", f"arn:aws:s3:::HRBucket/{key}")
        about = (doc(EVERYTHING, payroll),)
        yield example("reference_policies_elements_notresource", key, asked, answer, identity=about)
    asked = asks(user(), "iam:ListAccessKeys", "arn:aws:iam::111111111111:user/u")
    for written in ("IAM:listaccesskeys", "iam:*AccessKey*"):
        about = (doc({**EVERYTHING, "Action": written}),)
        yield example(
            "reference_policies_elements_action", written, asked, "allowed", identity=about
        )


STATEMENTS: Final = (*_conditions(), *_sets(), *_variables(), *_resources())
"""By page."""

"""AWS's examples of several policies together, and with them all that are judged here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.proofs.differential.documented_statements import STATEMENTS
from tests.proofs.differential.examples import (
    EVERYTHING,
    HERE,
    THERE,
    Documented,
    asks,
    doc,
    example,
    user,
)
from tests.proofs.differential.statements import Caller

__all__ = ["DOCUMENTED"]

_KMS: Final = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"


def _evaluation() -> Iterator[Documented]:
    page = "reference_policies_evaluation-logic"
    carlos = user("carlossalazar", "123456789012")
    own = ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"]
    identity = doc(
        {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "arn:aws:s3:::*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": own},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*log*"},
    )
    bucket = doc(
        {"Effect": "Allow", "Principal": {"AWS": carlos.arn}, "Action": "s3:*", "Resource": own}
    )
    for what, name, answer in (
        ("a file in the bucket of logs", "carlossalazar-logs", "explicitly denied"),
        ("a file in his own bucket", "carlossalazar", "allowed"),
    ):
        asked = asks(carlos, "s3:PutObject", f"arn:aws:s3:::{name}/f", owner="123456789012")
        yield example(page, what, asked, answer, identity=(identity,), resource=bucket)
    given: dict[str, Any]
    for what, given in (
        ("the user's", {"identity": (doc(EVERYTHING),)}),
        ("the bucket's", {}),
    ):
        asked = asks(carlos, "s3:PutObject", "arn:aws:s3:::carlossalazar/f", owner="123456789012")
        said = bucket if not given else doc({**bucket["Statement"][0], "Action": "s3:GetObject"})
        yield example(page, f"{what} policy alone allows", asked, "allowed", resource=said, **given)
    reports = doc(
        {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:*Report", "Resource": "*"},
    )
    for action, answer in (
        ("iam:GetUser", "allowed"),
        ("iam:CreatePolicy", "implicitly denied"),
        ("iam:GetOrganizationsAccessReport", "explicitly denied"),
    ):
        asked = asks(user(), action, "arn:aws:iam::111111111111:user/x")
        yield example(page, action, asked, answer, identity=(reports,))
    asked = asks(user(), "iam:GenerateCredentialReport", "arn:aws:iam::111111111111:user/x")
    more = (reports, doc({**EVERYTHING, "Action": "iam:GenerateCredentialReport"}))
    yield example(page, "a report, by another policy", asked, "explicitly denied", identity=more)
    yield example(
        page,
        "what an organization's policy leaves out",
        asks(user(), "s3:GetObject", "arn:aws:s3:::b/k"),
        "implicitly denied",
        identity=(doc(EVERYTHING),),
        gates=(doc({**EVERYTHING, "Action": "ec2:*"}),),
    )


def _across() -> Iterator[Documented]:
    page = "reference_policies_evaluation-logic-cross-account"
    carlos = user("carlossalazar")
    identity = doc(
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*Object*", "Resource": "arn:aws:s3:::Production/*"},
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::*log*", "arn:aws:s3:::*log*/*"],
        },
    )
    bucket = doc(
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject*", "s3:PutObject*", "s3:ReplicateObject", "s3:RestoreObject"],
            "Principal": {"AWS": carlos.arn},
            "Resource": "arn:aws:s3:::Production/*",
        }
    )
    logs = asks(carlos, "s3:PutObject", "arn:aws:s3:::Production-logs/f", owner=THERE)
    yield example(page, "a file among logs", logs, "explicitly denied", identity=(identity,))
    for what, action, answer in (
        ("a file in Production", "s3:PutObject", "allowed"),
        ("deleting one", "s3:DeleteObject", "implicitly denied"),
    ):
        asked = asks(carlos, action, "arn:aws:s3:::Production/f", owner=THERE)
        yield example(page, what, asked, answer, identity=(identity,), resource=bucket)
    asked = asks(carlos, "s3:PutObject", "arn:aws:s3:::Production/f", owner=THERE)
    yield example(page, "by the bucket's alone", asked, "implicitly denied", resource=bucket)
    yield example(page, "by the user's alone", asked, "implicitly denied", identity=(identity,))


def _boundaries() -> Iterator[Documented]:
    page = "access_policies_boundaries"
    shirleys = doc({**EVERYTHING, "Action": ["s3:*", "cloudwatch:*", "ec2:*"]})
    create = {
        "identity": (doc({**EVERYTHING, "Action": "iam:CreateUser"}),),
        "boundary": shirleys,
    }
    asked = asks(user("ShirleyRodriguez"), "iam:CreateUser", "arn:aws:iam::111111111111:user/x")
    yield example(page, "Shirley creates a user", asked, "implicitly denied", **create)
    nikhil = user("Nikhil")
    boundary = doc(
        {**EVERYTHING, "Action": ["s3:*", "cloudwatch:*", "ec2:*", "dynamodb:*"]},
        {
            **EVERYTHING,
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
        },
    )
    grant = {"Effect": "Allow", "Principal": {"AWS": nikhil.arn}, "Resource": "*"}
    for what, action, resource, answer in (
        ("an object among logs", "s3:PutObject", "arn:aws:s3:::logs/f", "explicitly denied"),
        (
            "a secret",
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:us-east-1:111111111111:secret:s",
            "allowed",
        ),
    ):
        yield example(
            page,
            f"Nikhil is granted {what}",
            asks(nikhil, action, resource),
            answer,
            boundary=boundary,
            resource=doc({**grant, "Action": action}),
        )
    zhang = doc(
        {
            **EVERYTHING,
            "Action": ["iam:CreateUser", "iam:PutUserPermissionsBoundary"],
            "Condition": {
                "StringEquals": {
                    "iam:PermissionsBoundary": "arn:aws:iam::111111111111:policy/XCompanyBoundaries"
                }
            },
        },
        {**EVERYTHING, "Effect": "Deny", "Action": "iam:DeleteUserPermissionsBoundary"},
    )
    theirs = "arn:aws:iam::111111111111:user/Nikhil"
    full = {"identity": (doc({**EVERYTHING, "Action": "iam:*"}),), "boundary": zhang}
    limit = {"iam__PermissionsBoundary": "arn:aws:iam::111111111111:policy/XCompanyBoundaries"}
    for what, action, keys, answer in (
        ("a user without the boundary", "iam:CreateUser", {}, "implicitly denied"),
        ("a user with it", "iam:CreateUser", limit, "allowed"),
        ("taking it off", "iam:DeleteUserPermissionsBoundary", {}, "explicitly denied"),
    ):
        yield example(
            page, f"Zhang: {what}", asks(user("Zhang"), action, theirs, **keys), answer, **full
        )
    role = "arn:aws:iam::111122223333:role/examplerole"
    session = "arn:aws:sts::111122223333:assumed-role/examplerole/examplerolesessionname"
    caller = Caller(kind="session", account="111122223333", arn=role, name=session)
    asked = asks(caller, "s3:GetObject", "arn:aws:s3:::b/k", owner="111122223333")
    nothing = doc({**EVERYTHING, "Action": "ec2:*"})
    for what, named, answer in (
        ("role", role, "implicitly denied"),
        ("session", session, "allowed"),
    ):
        granted = doc({**EVERYTHING, "Action": "s3:GetObject", "Principal": {"AWS": named}})
        for limit in ("boundary", "session"):
            about = f"a grant to a {what}, and a {limit} without it"
            limits: dict[str, Any] = {limit: nothing}
            yield example(page, about, asked, answer, resource=granted, **limits)


def _principals() -> Iterator[Documented]:
    page = "reference_policies_elements_notprincipal"
    denied = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    }
    there = "444455556666"
    granted = {**EVERYTHING, "Principal": "*", "Action": "s3:GetObject"}

    def judged(what: str, caller: Caller, named: list[str], answer: str) -> Documented:
        return example(
            page,
            what,
            asks(caller, "s3:GetObject", "arn:aws:s3:::b/k", owner=HERE),
            answer,
            identity=(doc(EVERYTHING),),
            resource=doc({**denied, "NotPrincipal": {"AWS": named}}, granted),
        )

    bob = user("Bob", there)
    both = [bob.arn, f"arn:aws:iam::{there}:root"]
    yield judged("Bob, named with his account", bob, both, "allowed")
    yield judged("somebody of another account", user("Eve", THERE), both, "explicitly denied")
    role = f"arn:aws:iam::{there}:role/cross-account-read-only-role"
    app = f"arn:aws:sts::{there}:assumed-role/cross-account-read-only-role/cross-account-audit-app"
    audit = Caller(kind="session", account=there, arn=role, name=app)
    yield judged("the application, with role and account", audit, [app, role, both[1]], "allowed")
    instead = {
        **denied,
        "Principal": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{there}:user/user-name"}},
    }
    for name, answer in (("user-name", "allowed"), ("other", "explicitly denied")):
        yield example(
            "reference_policies_elements_principal",
            f"{name}, where a condition names user-name",
            asks(user(name, there), "s3:GetObject", "arn:aws:s3:::b/k"),
            answer,
            identity=(doc(EVERYTHING),),
            resource=doc(instead, granted),
        )
    yield example(
        "reference_policies_elements_principal",
        "a principal of the own account, by * alone",
        asks(user(), "s3:GetObject", "arn:aws:s3:::b/k"),
        "allowed",
        resource=doc(granted),
    )
    key = "arn:aws:kms:us-west-2:111111111111:key/k"
    decrypt = {**EVERYTHING, "Action": "kms:Decrypt"}
    for what, named, answer in (
        ("without a word of it in the key's", f"{user('other').arn}", "implicitly denied"),
        ("where the key's names the account", "arn:aws:iam::111111111111:root", "allowed"),
    ):
        yield example(
            _KMS,
            f"an IAM policy, {what}",
            asks(user(), "kms:Decrypt", key),
            answer,
            "key",
            identity=(doc(decrypt),),
            resource=doc({**decrypt, "Principal": {"AWS": named}}),
            strict=True,
        )


DOCUMENTED: Final = (*_evaluation(), *_across(), *_boundaries(), *_principals(), *STATEMENTS)
"""By page."""

"""The little world of random policies: few names, so that patterns often meet what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ACTIONS",
    "AL",
    "KEYS",
    "LEVELS",
    "OTHER",
    "OURS",
    "PRINCIPALS",
    "PROVIDER",
    "ROLE",
    "SERVICE",
    "SESSION",
    "SETS",
    "STRANGER",
    "TAG",
    "USER",
    "Key",
]

OURS: Final = "111122223333"
OTHER: Final = "444455556666"
ROLE: Final = f"arn:aws:iam::{OURS}:role/tester"
USER: Final = f"arn:aws:iam::{OURS}:user/somebody"
SESSION: Final = f"arn:aws:sts::{OURS}:assumed-role/tester/me"
STRANGER: Final = f"arn:aws:iam::{OTHER}:role/stranger"
SERVICE: Final = "ecs-tasks.amazonaws.com"
PROVIDER: Final = f"arn:aws:iam::{OURS}:saml-provider/company"
TAG: Final = "aws:PrincipalTag/userName"
AL: Final = "al"

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "bucket": ("s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "s3:ListBucket"),
    "key": ("kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"),
    "role": ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:TagSession"),
}
LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "bucket": (
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/al",
        "arn:aws:s3:::b/al/x",
        "arn:aws:s3:::b/bo/x/y",
        "arn:aws:s3:::b//x",
        "arn:aws:s3:::bb/al/:x",
    ),
    "key": (f"arn:aws:kms:r:{OURS}:key/al", f"arn:aws:kms:r:{OURS}:key/k2"),
    "role": (f"arn:aws:iam::{OURS}:role/al", f"arn:aws:iam::{OURS}:role/p/bo"),
}

PRINCIPALS: Final = (
    ("AWS", "*"),
    ("AWS", ROLE),
    ("AWS", SESSION),
    ("AWS", OURS),
    ("AWS", f"arn:aws:iam::{OURS}:root"),
    ("AWS", USER),
    ("AWS", f"{ROLE}2"),
    ("AWS", f"{SESSION}2"),
    ("AWS", STRANGER),
    ("AWS", OTHER),
    ("Service", SERVICE),
    ("Service", "lambda.amazonaws.com"),
    ("Federated", PROVIDER),
)

_ORDERS: Final = (
    "Equals",
    "NotEquals",
    "LessThan",
    "LessThanEquals",
    "GreaterThan",
    "GreaterThanEquals",
)
_TEXT: Final = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")
SETS: Final = ("", "IfExists")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A condition key: what requests say, which operators compare it, what policies ask for.

    One with more operators has more weight, so that each of them is met often enough.
    """

    said: tuple[str, ...]
    operators: tuple[str, ...]
    wanted: tuple[object, ...]
    several: bool = False
    weight: int = 2


_MOMENTS: Final = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-06-01T12:00:00+02:00")
_ARNS: Final = (
    "arn:aws:ecs:r:1:task/t",
    "arn:aws:s3:::b",
    "arn:aws:sns:r:2:store/a:1:task/t",
    "arn:aws:iam::1:role/al",
)
_FILLED: Final = (f"${{{TAG}}}/*", f"${{{TAG}}}/x", f"${{{TAG}, 'bo'}}/x", f"a-${{{TAG}}}")

KEYS: Final[Mapping[str, Key]] = {
    "aws:SourceVpce": Key(
        said=("v", "w", "vw"), operators=_TEXT, wanted=("v", "w", "v*", "?", "??", "*w")
    ),
    "s3:prefix": Key(
        said=("", "al/", "al/x", "bo/x", "a-al"),
        operators=_TEXT,
        wanted=("", "al/", "al/*", "*", "*/x", "??/?", *_FILLED),
    ),
    "aws:userid": Key(said=("QQ==", "Qg=="), operators=("BinaryEquals",), wanted=("QQ==", "Qg==")),
    "aws:SecureTransport": Key(
        said=("true", "false"), operators=("Bool",), wanted=("true", "false", True, False)
    ),
    "s3:TlsVersion": Key(
        said=("1.1", "1.2", "1.3"),
        operators=tuple(f"Numeric{one}" for one in _ORDERS),
        wanted=("1.1", "1.2", 1.2, "1.3", "2"),
    ),
    "aws:TokenIssueTime": Key(
        said=_MOMENTS,
        operators=tuple(f"Date{one}" for one in _ORDERS),
        wanted=(*_MOMENTS, "1767225600", "2026-01-01T00:00:00"),
    ),
    "aws:SourceIp": Key(
        said=("10.1.2.3", "10.9.9.9", "192.0.2.1", "10.1.255.255", "2001:db8::1"),
        operators=("IpAddress", "NotIpAddress"),
        wanted=("10.0.0.0/8", "10.1.0.0/16", "192.0.2.1", "192.0.2.0/31", "2001:db8::/32", "::/0"),
    ),
    "aws:SourceArn": Key(
        said=_ARNS,
        weight=4,
        operators=("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
        wanted=(
            *_ARNS,
            "arn:aws:*:*:1:task/*",
            "arn:aws:*:*:*:*",
            "arn:aws:s3:*:*:?",
            "arn:*:iam::1:role/*",
            "arn:aws:sns:r:*:task/t",
            f"arn:aws:iam::1:role/${{{TAG}}}",
        ),
    ),
    "aws:TagKeys": Key(
        said=("a", "b", "bc"),
        operators=_TEXT,
        wanted=("a", "b", "?", "b*"),
        several=True,
        weight=8,
    ),
}

"""Whether anybody has long-term keys, or comes without a second factor (A10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject
from stacks.settings import MfaUsers
from starburst.aws.calls import code_of

__all__ = ["PEOPLE"]

_GONE: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})


def _look(subject: Subject) -> Iterator[Finding]:
    iam = subject.client("iam")
    root = iam.get_account_summary()["SummaryMap"]
    for key, what, do in (
        ("AccountAccessKeysPresent", "has access keys", "delete them"),
        ("AccountMFAEnabled", "has no second factor", "register one"),
    ):
        if bool(root.get(key)) == (key == "AccountAccessKeysPresent"):
            yield Finding(
                resource=f"root of account {subject.environment.account}",
                what=what,
                why="no policy binds it",
                do=do,
            )
    for page in iam.get_paginator("list_users").paginate():
        for user in page["Users"]:
            yield from _of(subject, iam, user)


def _of(subject: Subject, iam: Any, user: Mapping[str, Any]) -> Iterator[Finding]:  # noqa: ANN401
    name = user["UserName"]
    pages = iam.get_paginator("list_mfa_devices").paginate(UserName=name)
    second = any(page["MFADevices"] for page in pages)
    keys = [
        key["AccessKeyId"]
        for page in iam.get_paginator("list_access_keys").paginate(UserName=name)
        for key in page["AccessKeyMetadata"]
        if key["Status"] == "Active"
    ]
    if (keys or _has_login(iam, name)) and not second:
        yield Finding(
            resource=f"IAM user {name}",
            what="has no second factor",
            why="a stolen password or key is enough to be them",
            do="have them register one, or disable them with python -m deploy.credentials.disable",
        )
    if keys and not (second and _is_analyst(subject, user)):
        yield Finding(
            resource=f"IAM user {name}",
            what=f"has long-term keys ({', '.join(keys)})",
            why="they work for whoever finds them until somebody ends them",
            do="use a role in their place, and delete them",
        )


def _is_analyst(subject: Subject, user: Mapping[str, Any]) -> bool:
    """Whether it is one of MfaUsers, whose keys do nothing without the second factor."""
    people = subject.environment.identity
    return isinstance(people, MfaUsers) and str(user["Path"]).startswith(people.path)


def _has_login(iam: Any, name: str) -> bool:  # noqa: ANN401 - any client of boto3
    try:
        iam.get_login_profile(UserName=name)
    except ClientError as error:
        if code_of(error) not in _GONE:
            raise
        return False
    return True


PEOPLE: Final = Check(name="people", look=_look, items=(1,))

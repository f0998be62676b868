"""How one of AWS's own examples is written down: policies, a request, and the answer.

The pages were read as https://github.com/awsdocs/iam-user-guide has them at commit 651083f, of May
2023, its last with the guide in it, and that on key policies as AWS publishes it. Names of
placeholders in the examples are filled in, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.proofs.differential.decisions import Policies
from tests.proofs.differential.statements import Asked, Caller, Document

__all__ = ["EVERYTHING", "HERE", "THERE", "Documented", "asks", "doc", "example", "user"]

_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
HERE, THERE = "111111111111", "222222222222"
EVERYTHING: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """One example.

    Attributes:
        page: where it is.
        what: is asked.
        kind: of the resource.
        policies: of the example.
        asked: the request.
        answer: that the page gives.
    """

    page: str
    what: str
    kind: str = "bucket"
    policies: Policies
    asked: Asked
    answer: str


def doc(*statements: Mapping[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def user(name: str = "u", account: str = HERE) -> Caller:
    return Caller(kind="user", account=account, arn=f"arn:aws:iam::{account}:user/{name}")


def asks(caller: Caller, action: str, resource: str, *, owner: str = HERE, **keys: Any) -> Asked:
    said = {"aws:principalarn": caller.arn, "aws:principalaccount": caller.account}
    if caller.kind == "session":
        said["sts:sessionarn"] = caller.name
    written = {
        name.replace("__", ":").replace("_tag_", "Tag/").lower(): value
        for name, value in (said | keys).items()
    }
    return Asked(
        caller=caller,
        action=action,
        resource=resource,
        owner=owner,
        keys={
            name: value if isinstance(value, tuple) else (value,) for name, value in written.items()
        },
    )


def example(
    page: str, what: str, asked: Asked, answer: str, kind: str = "bucket", **policies: Any
) -> Documented:
    url = page if page.startswith("https://") else f"{_GUIDE}{page}.html"
    return Documented(
        page=url, what=what, kind=kind, policies=Policies(**policies), asked=asked, answer=answer
    )

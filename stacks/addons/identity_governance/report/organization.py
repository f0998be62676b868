"""The accounts of an organization, and the doors by which Identity Center is read in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["TROUBLE", "Account", "Doors", "OutOfTime", "Places", "said"]

ACTIVE: Final = "ACTIVE"
_SESSION: Final = "starburst-governance"


class OutOfTime(Exception):
    """The function's time is over before all was read: what is left is told in the report."""

    def __str__(self) -> str:
        """Return what a report says of what is left."""
        return "the function's time was over"


TROUBLE: Final = (BotoCoreError, ClientError, OutOfTime)
"""What keeps one account, Region or store from being read, and no other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """One account.

    Attributes:
        id: twelve digits.
        state: what Organizations says of it; only one that is ACTIVE can be read.
    """

    id: str
    state: str = ACTIVE


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Which accounts there are.

    Attributes:
        accounts: all of the organization.
        management: its management account.
    """

    accounts: Sequence[Account]
    management: str


@dataclass(kw_only=True, slots=True)
class Doors:
    """Clients for each account, by the role that is there to read; the function's reads nothing.

    Attributes:
        own: this account, which may administer Identity Center.
        role: name of the role to read by, in every account.
        client: makes a client of a service in a Region; with credentials, another account's.
        left: seconds that are left.
        reserve: seconds that writing needs.
    """

    own: str
    role: str
    client: Callable[..., Any]
    left: Callable[[], float]
    reserve: float = 60.0
    _credentials: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def at(self, service: str, account: str, region: str) -> Any:  # noqa: ANN401 - any client of boto3
        """Return the client of a service in an account.

        Raises:
            ClientError: the account lets this function's role not in.
            OutOfTime: the function must end.
        """
        self.in_time()
        if account not in self._credentials:
            answer = self.client("sts", None).assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/{self.role}", RoleSessionName=_SESSION
            )
            self._credentials[account] = answer["Credentials"]
        return self.client(service, region, self._credentials[account])

    def pages(
        self, service: str, account: str, region: str, call: str, key: str, **words: Any
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what all pages of a call list, as long as there is time.

        Args:
            service: of AWS.
            account: where.
            region: of it.
            call: the client's method.
            key: of the list in each page.
            words: of the call.
        """
        for page in self.at(service, account, region).get_paginator(call).paginate(**words):
            self.in_time()
            yield from page[key]

    def in_time(self) -> None:
        """Raise OutOfTime where what is left is needed to write."""
        if self.left() < self.reserve:
            raise OutOfTime

    def places(self) -> Places:
        """Return the organization's accounts.

        Raises:
            ClientError: this account is in none, or may not list them: no report is without.
        """
        client = self.client("organizations", None)
        management = client.describe_organization()["Organization"]["MasterAccountId"]
        found = [
            Account(id=each["Id"], state=each.get("State") or each.get("Status", ACTIVE))
            for page in client.get_paginator("list_accounts").paginate()
            for each in page["Accounts"]
        ]
        return Places(accounts=sorted(found, key=lambda each: each.id), management=management)


def said(error: Exception) -> str:
    """Return why something was not read: AWS's code, or what failed."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "refused")
        return f"not read: {code} at {error.operation_name}"
    if isinstance(error, OutOfTime):
        return f"not read: {error}"
    return f"not read: {type(error).__name__}"

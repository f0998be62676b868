"""Objects of other buckets that workers may read, by the platform team's word alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from stacks.settings.annotations import typed
from stacks.settings.validation import between, distinct, matches, one_of, require
from starburst_constructs.named_objects import NamedObjects
from starburst_constructs.placement import Placement

__all__ = ["Owner", "Reads", "check_others", "check_reads"]

Owner = Literal["account", "organization", "other"]

MOST_READS: Final = 20
"""Of one workspace: they stand in its worker role's policy."""

_OURS: Final = re.compile(r"arn:aws:s3:::(starburst|cdk)-.*")
"""How the names of all buckets begin that the kit and its deployment make."""

_OBJECTS: Final = r"arn:aws:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([\w!.'()/=+@ -]*/)?\*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """Objects of another bucket, in the environment's Region, that workers read.

    Attributes:
        objects: ``arn:aws:s3:::<bucket>/<prefix>/*``.
        owner: of the bucket: the environment's own ``account``, its ``organization``, or an
            ``other``. A bucket of somebody else is a way out, since its owner sees the names that
            are asked for; restricted data need an accepted risk for it.
        account: of the bucket, where the owner is an ``other``.
        key_arn: of the KMS key that encrypts the objects; None for S3's own.

    Example:
        >>> Reads(objects="arn:aws:s3:::atlas/panel/*").owner
        'account'
    """

    objects: str
    owner: Owner = "account"
    account: str | None = None
    key_arn: str | None = None

    def __post_init__(self) -> None:
        """Refuse what names no objects, and an owner who is not named."""
        me = "reads:"
        typed(f"{me} ", self)
        matches(f"{me} objects", self.objects, _OBJECTS, "arn:aws:s3:::<bucket>/<prefix>/*")
        one_of(f"{me} owner", self.owner, get_args(Owner))
        if self.owner == "other":
            matches(f"{me} account", self.account, r"\d{12}", "twelve digits with owner='other'")
        else:
            allowed = "None unless owner='other'"
            require(self.account is None, f"{me} account", self.account, allowed)
        if self.key_arn is not None:
            pattern = r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[\w-]{1,64}"
            matches(f"{me} key_arn", self.key_arn, pattern, "arn:aws:kms:<region>:<account>:key/…")

    def named(self, placement: Placement) -> NamedObjects:
        """Return what policies say of it.

        Args:
            placement: of the environment whose workers read.
        """
        organization = self.owner == "organization"
        return NamedObjects(
            objects=self.objects,
            account="" if organization else self.account or placement.account,
            organization=(placement.organization_id or "") if organization else "",
            key_arn=self.key_arn or "",
        )


def check_reads(me: str, given: Iterable[str | Reads]) -> tuple[Reads, ...]:
    """Return what a workspace names, each text as objects of the environment's own account.

    Args:
        me: how its settings begin in a refusal.
        given: as the workspace has them.

    Raises:
        SettingsError: one names no objects, one is named twice, or they are too many.
    """
    for each in given:
        if isinstance(each, str):
            allowed = "arn:aws:s3:::<bucket>/<prefix>/*, or a Reads(…)"
            matches(f"{me} reads", each, _OBJECTS, allowed)
    found = tuple(Reads(objects=each) if isinstance(each, str) else each for each in given)
    between(f"number of reads of {me.rstrip(':')}", len(found), 0, MOST_READS)
    distinct(f"{me} reads", (each.objects for each in found))
    for each in found:
        allowed = (
            "buckets that neither the kit nor its deployment made: starburst.data reads this "
            "environment's own, and nobody's sessions or records are data"
        )
        require(not _OURS.fullmatch(each.objects), f"{me} reads", each.objects, allowed)
    return found


def check_others(
    reads: Mapping[str, tuple[Reads, ...]], *, placement: Placement, taken: bool
) -> None:
    """Refuse an owner whom the environment does not know, and a key that cannot be the objects'.

    Args:
        reads: what workspaces read, by the name of each.
        placement: of the environment.
        taken: whether the environment takes the risk of another's bucket.

    Raises:
        SettingsError: an owner, a key, or the risk of one does not fit.
    """
    for name, given in reads.items():
        for read in given:
            me = f"workspace {name}: reads:"
            _check_owner(me, read, placement)
            if read.key_arn is not None:
                _check_key(me, read, read.key_arn, placement)
            allowed = (
                "'account' or 'organization' where data_class is 'restricted': whoever owns the "
                "bucket sees each name that is asked for, so a name can carry data out; "
                "accepted_risks takes 'reads-of-others' with the reason"
            )
            require(taken or read.owner != "other", f"{me} owner", read.owner, allowed)


def _check_owner(me: str, read: Reads, placement: Placement) -> None:
    if read.owner == "organization":
        known = placement.organization_id is not None
        allowed = "'account' or 'other' without the environment's organization_id"
        require(known, f"{me} owner", read.owner, allowed)
    if read.owner == "other":
        allowed = "another account's; owner='account' is the environment's own"
        require(read.account != placement.account, f"{me} account", read.account, allowed)


def _check_key(me: str, read: Reads, key_arn: str, placement: Placement) -> None:
    region, account = key_arn.split(":")[3:5]
    allowed = f"a key in {placement.region}, where the objects must be"
    require(region == placement.region, f"{me} key_arn", key_arn, allowed)
    if read.owner != "organization":
        owner = read.account or placement.account
        allowed = f"a key of account {owner}, which has the bucket"
        require(account == owner, f"{me} key_arn", key_arn, allowed)

"""How long data, logs and the trail stay, and what the account keeps set for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from stacks.settings.annotations import typed
from stacks.settings.validation import between, one_of

__all__ = ["Audit", "Shared", "Storage"]

Lock = Literal["compliance", "governance"]

MOST_DAYS: Final = 36_500


MOST_AN_HOUR: Final = 1_000_000_000
"""A bound that nobody reaches: a larger one is a slip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """How long objects live, and under which encryption (S6 to S10, S26).

    Attributes:
        encryption: ``kms`` (CMK with a bucket key) or ``kms:dsse`` (two layers, no bucket key).
        session_days: sessions' objects expire after so many days.
        noncurrent_days: deleted or overwritten versions are kept so many days.
        access_log_days: S3 server access logs are kept so many days.
        packages_days: wheels are kept so many days after the last session that could name them.
    """

    encryption: Literal["kms", "kms:dsse"] = "kms"
    session_days: int = 30
    noncurrent_days: int = 7
    access_log_days: int = 365
    packages_days: int = 30

    def __post_init__(self) -> None:
        """Refuse an unknown encryption and days that S3 has no meaning for."""
        one_of("storage.encryption", self.encryption, ("kms", "kms:dsse"))
        for name in ("session_days", "noncurrent_days", "access_log_days", "packages_days"):
            between(f"storage.{name}", getattr(self, name), 1, MOST_DAYS)

    @property
    def wheel_days(self) -> int:
        """Days after its writing in which a wheel expires.

        A session that names it may last for ``session_days``. One that begins later finds it for
        ``packages_days`` more, and has it written once more where it would end too early.
        """
        return self.session_days + 2 * self.packages_days


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """The trail (S24).

    Production's trail files are locked for ``log_days`` each (S3 Object Lock). In compliance mode
    nobody can delete one before, not even the account's root user, and nobody can shorten the
    time: the bucket cannot be emptied, and is paid for, until the last lock ends.

    Attributes:
        trail: create a multi-Region trail; False where an organization trail exists.
        data_events: record S3 object reads and writes of the data bucket.
        log_days: how long the trail's bucket keeps its files.
        lock: of production's files. ``compliance`` lets nobody delete one; ``governance`` lets
            those who have ``s3:BypassGovernanceRetention``, which no role of the kit has.
        person_gb_per_hour: more than so many gigabytes that one person downloads in an hour ring
            an alarm (A12); None for no such alarm. It needs ``data_events``.
        person_objects_per_hour: as much of the number of objects.
    """

    trail: bool = True
    data_events: bool = True
    log_days: int = 2192
    lock: Lock = "compliance"
    person_gb_per_hour: int | None = 50
    person_objects_per_hour: int | None = 100_000

    def __post_init__(self) -> None:
        """Refuse days that S3 has no meaning for, and an unknown lock."""
        typed("audit.", self)
        between("audit.log_days", self.log_days, 1, MOST_DAYS)
        one_of("audit.lock", self.lock, get_args(Lock))
        for name in ("person_gb_per_hour", "person_objects_per_hour"):
            bound = getattr(self, name)
            if bound is not None:
                between(f"audit.{name}", bound, 1, MOST_AN_HOUR)

    @property
    def measures_people(self) -> bool:
        """Whether what each person downloads is summed up."""
        return bool(self.bounds)

    @property
    def bounds(self) -> dict[str, int]:
        """What one person may download in an hour without an alarm: bytes, objects."""
        gigabytes, objects = self.person_gb_per_hour, self.person_objects_per_hour
        return {
            **({"bytes": gigabytes * 10**9} if self.data_events and gigabytes else {}),
            **({"objects": objects} if self.data_events and objects else {}),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """Settings of an account in a Region, of which one environment there is the owner.

    They are the account's: what is set stays set when its owner goes, or leaves it to another
    environment, in either order. A setting is False where the organization or another stack sets
    it; all of them may be.

    Attributes:
        registry_scanning: have Inspector scan every image of the account's registry continuously.
        block_public_access: shut every internet gateway of the account in this Region, so that no
            task can be public in any of its VPCs; for accounts that hold nothing else.
    """

    registry_scanning: bool = True
    block_public_access: bool = False

    def __post_init__(self) -> None:
        """Refuse what is neither true nor false."""
        typed("shared.", self)

"""Tags of an adopter: none that access control, AWS or the kit reads, and as many as AWS takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stacks.settings.validation import between, matches, require
from starburst.contract import USER_TAG, WORKSPACE_TAG

__all__ = ["MOST_TAGS", "OWN_TAGS", "check_tags"]

_AWS_TAGS: Final = 50
"""Tags that AWS takes on a resource, without those that begin with ``aws:``.

https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
"""

OWN_TAGS: Final = 10
"""Room for the kit's, an add-on's and the CDK's own on one resource; a test counts them."""

MOST_TAGS: Final = _AWS_TAGS - OWN_TAGS

_READ_BY_AWS: Final = ("AmazonECSManaged", "GuardDutyManaged")
"""By which services of AWS know what is theirs; the kit sets both."""


def check_tags(me: str, tags: Iterable[tuple[str, str]]) -> None:
    """Refuse tags that would give rights, take them, or be refused by AWS at the deployment.

    In IAM the case of a key does not count: ``Team`` and ``team`` are one tag of a role, and
    ``username`` answers where a policy asks for ``userName``.

    Args:
        me: how messages begin, such as ``environment prod:``.
        tags: as set.

    Raises:
        SettingsError: with the first tag that is refused.
    """
    field, known = f"{me} tags", tuple(tags)
    between(f"{me} number of tags", len(known), 0, MOST_TAGS)
    seen: dict[str, str] = {}
    for key, value in known:
        allowed = "keys of 1 to 128 letters, digits, spaces and _ . : / = + - @"
        matches(field, key, r"[\w .:/=+@-]{1,128}", allowed)
        lower = key.lower()
        allowed = "keys without aws: in front, in any case: AWS keeps them to itself"
        require(not lower.startswith("aws:"), field, key, allowed)
        allowed = "keys without starburst: or starburst- in front, in any case: the kit reads them"
        require(not lower.startswith(("starburst:", "starburst-")), field, key, allowed)
        for taken in (USER_TAG, WORKSPACE_TAG):
            allowed = (
                f"keys other than {taken}, in any case: access control reads it, and the same on "
                "every role would lock people and workers out"
            )
            require(lower != taken.lower(), field, key, allowed)
        for taken in _READ_BY_AWS:
            allowed = f"keys other than {taken}, in any case: AWS reads what the kit sets there"
            require(lower != taken.lower(), field, key, allowed)
        other = seen.get(lower, "")
        allowed = f"each key once: {other!r} is the same to IAM, to which case means nothing"
        require(lower not in seen, field, key, allowed)
        seen[lower] = key
        allowed = "values of up to 256 letters, digits, spaces and _ . : / = + - @"
        matches(field, value, r"[\w .:/=+@-]{0,256}", allowed)

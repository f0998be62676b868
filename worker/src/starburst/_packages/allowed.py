"""The list of packages that a steward may put into a workspace, and that its analysts may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from .choosing import Choice
from .uses import normalized

__all__ = ["unlisted"]

_SHA256: Final = "sha256:"


def unlisted(choices: Iterable[Choice], allowed: Iterable[str]) -> tuple[Choice, ...]:
    """Return the wheels that a list does not name.

    Args:
        choices: the wheels.
        allowed: names, names with versions (``numpy>=2,<3``), and ``sha256:`` with a wheel's hash.

    Example:
        >>> wheel = Choice(name="six", version="1.17", filename="six-1.17.whl", sha256="0" * 64)
        >>> unlisted([wheel], ["six>=1,<2"]), unlisted([wheel], ["six<1"])
        ((), (Choice(six-1.17.whl),))
    """
    hashes = {each.removeprefix(_SHA256).lower() for each in allowed if each.startswith(_SHA256)}
    named: dict[str, list[Requirement]] = {}
    for each in allowed:
        if not each.startswith(_SHA256):
            try:
                found = Requirement(each)
            except InvalidRequirement:
                continue  # the settings refuse it; what is not understood allows nothing
            named.setdefault(normalized(found.name), []).append(found)
    return tuple(
        choice
        for choice in choices
        if choice.sha256 not in hashes
        and not any(
            each.specifier.contains(choice.version, prereleases=True)
            for each in named.get(choice.name, ())
        )
    )

"""What a theorem is: a sentence, and claims about requests that must never, or always, succeed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Request

__all__ = ["ABSENT", "Claim", "Theorem", "always", "never", "theorem"]

ABSENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "identity-center": "signs people in without IAM Identity Center",
        "kit-boundary": "has an organization's permissions boundary, which cannot be read, instead "
        "of the kit's",
        "own-endpoints": "uses endpoints that are not its own, with policies that are not either",
        "source-vpce": "runs in an emulator, which never says through which endpoint a call came",
        "trusted-networks": "has no trusted_cidrs",
    }
)
"""What an environment that is without something has instead, or why it cannot have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """No request that meets the premises makes one of the violations true.

    Attributes:
        about: which role, action or resource this claim is for.
        premises: what is taken for granted; the prover checks that something meets all of them.
        violations: each with the request that it is about.
    """

    about: str
    premises: tuple[Formula, ...] = ()
    violations: tuple[tuple[Request, Formula], ...] = field(default_factory=tuple)


Statement = Callable[[World], Iterable[Claim]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem:
    """A named statement about every environment.

    Attributes:
        name: of the function that states it.
        group: what it is about.
        sentence: the first paragraph of its docstring.
        claims: what it claims of a world.
        unless: what an environment may leave out, without which this cannot be claimed of it.
    """

    name: str
    group: str
    sentence: str
    claims: Statement
    unless: str | None = None


def theorem(group: str, *, unless: str | None = None) -> Callable[[Statement], Theorem]:
    """Make a theorem of a function whose docstring begins with the sentence.

    Args:
        group: heading under which reports list it.
        unless: an entry of ``Environment.without`` that makes the theorem meaningless.
    """

    def make(function: Statement) -> Theorem:
        text = inspect.getdoc(function) or ""
        return Theorem(
            name=getattr(function, "__name__", "theorem"),
            group=group,
            sentence=" ".join(text.split("\n\n")[0].split()),
            claims=function,
            unless=unless,
        )

    return make


def never(
    about: str, violations: Iterable[tuple[Request, Formula]], *, given: Iterable[Formula] = ()
) -> Claim:
    """Claim that none of these happens.

    Args:
        about: what the claim is for.
        violations: requests, each with the formula that must not hold.
        given: premises.
    """
    return Claim(about=about, premises=tuple(given), violations=tuple(violations))


def always(
    world: World,
    about: str,
    successes: Iterable[tuple[Request, Formula]],
    *,
    given: Iterable[Formula] = (),
) -> Claim:
    """Claim that all of these happen: what the product needs must stay possible."""
    return Claim(
        about=about,
        premises=tuple(given),
        violations=tuple((request, world.logic.no(formula)) for request, formula in successes),
    )

"""What becomes of an image's record when Inspector says something of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from findings import Finding

__all__ = ["GONE_SECONDS", "Coverage", "compared", "ended", "stands", "taken"]

SETTLING_SECONDS: Final = 900
"""What an event told so lately need not be in Inspector's lists yet."""

KEPT_SECONDS: Final = 30 * 86_400
"""A closed finding is kept so long, for the sake of events that come late."""

GONE_SECONDS: Final = 30 * 86_400
"""What is known of an image is kept so long after it left the registry."""

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Whether Inspector looks after an image.

    Attributes:
        active: it does now.
        scanned: when it last did, in seconds since 1970; None for never.
    """

    active: bool
    scanned: float | None

    @property
    def vouches(self) -> bool:
        """Whether what Inspector does not say of the image is not there."""
        return self.active and self.scanned is not None


def taken(body: Mapping[str, Any], found: Iterable[Finding]) -> tuple[Body, list[Finding]]:
    """Return the record after some findings, and those that were not open before.

    What is older than what is known changes nothing. Of two at one moment, the open one counts.
    """
    findings = dict(body.get("findings", {}))
    opened: list[Finding] = []
    for one in found:
        known = findings.get(one.arn)
        was_open = known is not None and known.get("open", True)
        if known is not None and (one.updated, one.open) <= (known["updated"], was_open):
            continue
        if known is None and not one.open:
            # It is kept nevertheless: the event that opened it may come after this one.
            findings[one.arn] = one.entry()
            continue
        findings[one.arn] = one.entry()
        if one.open and not was_open:
            opened.append(one)
    return {**body, "findings": findings}, opened


def compared(
    body: Mapping[str, Any],
    listed: Iterable[Finding],
    *,
    coverage: Coverage | None,
    parts: Iterable[str] = (),
    present: bool = True,
    now: float,
) -> tuple[Body, list[Finding]]:
    """Return the record after Inspector listed all that stands, and what was not open before.

    A finding that is not listed any more is closed only while Inspector looks after the image:
    of an image that was deleted, or that it stopped to scan, findings vanish without being mended.

    Args:
        body: the record.
        listed: all findings of the image that stand.
        coverage: of the image; None where Inspector knows no such image.
        parts: of an index, the images that it names.
        present: the registry has it, or Inspector knows it; since when not, is kept.
        now: when the lists were begun.
    """
    listed = list(listed)
    after, opened = taken(body, listed)
    names = {one.arn for one in listed}
    findings: dict[str, Any] = {}
    for arn, one in after["findings"].items():
        is_open, old = one.get("open", True), now - one["updated"]
        if is_open and arn not in names and old > SETTLING_SECONDS and _vouched(coverage):
            # It keeps its time: what Inspector lists again by the same one stands again.
            findings[arn] = {**one, "open": False, "closed": now}
        elif is_open or now - one.get("closed", one["updated"]) <= KEPT_SECONDS:
            findings[arn] = one
    named = sorted(parts)
    since = after.pop("gone", now)
    return {
        **after,
        **({} if present else {"gone": since}),
        "findings": findings,
        # Of what Inspector looks after no more, new findings would never come.
        "scanned": coverage.scanned if coverage is not None and coverage.active else None,
        **({"parts": named} if named else {}),
    }, opened


def ended(body: Mapping[str, Any], *, now: float) -> bool:
    """Return whether nothing of an image need be known any more.

    One in which something stands never ends: it may be pushed again by the same digest, and an
    image that is not known starts sessions outside production. Of a clean one nothing is lost: what
    is not known is trusted less.
    """
    return not stands(body) and now - body.get("gone", now) > GONE_SECONDS


def stands(body: Mapping[str, Any]) -> bool:
    """Return whether a finding of an image is open."""
    return any(one.get("open", True) for one in body.get("findings", {}).values())


def _vouched(coverage: Coverage | None) -> bool:
    return coverage is not None and coverage.vouches

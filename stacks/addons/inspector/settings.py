"""Which findings sessions may start with, why, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from stacks.settings.validation import matches, require
from starburst.contract.image_gate import ImageWaiver

__all__ = ["FindingWaiver"]

_SHORTEST_REASON: Final = 20
_VULNERABILITY: Final = r"[A-Za-z0-9][\w.:-]{2,127}"
_PACKAGE: Final = r"[\w.+@/:-]{1,200}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingWaiver:
    """One finding that keeps no session from starting, until a day.

    Attributes:
        finding: as Inspector calls it, such as ``CVE-2026-1234``, in letters of any case;
            ``unscanned`` for images that Inspector cannot scan.
        reason: why it does no harm here, in 20 characters or more, for whoever reviews it.
        expires: the last day on which it holds, in UTC; afterwards the finding refuses again.
        package: of which alone; None for any.
        image: digest of which alone, ``sha256:…``; None for any.
    """

    finding: str
    reason: str
    expires: date
    package: str | None = None
    image: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would let through nothing, or more than anybody meant to."""
        example = "one finding, such as CVE-2026-1234"
        matches("inspector.accepted finding", self.finding, _VULNERABILITY, example)
        long = f"{_SHORTEST_REASON} characters or more, for whoever reviews it"
        text = self.reason if isinstance(self.reason, str) else ""
        enough = len(text.strip()) >= _SHORTEST_REASON
        require(enough, f"inspector.accepted reason of {self.finding}", self.reason, long)
        # A datetime is a date as well; the controller could not read it, and so no document.
        plain = type(self.expires) is date
        day = "a date(…): the last day on which it holds, in UTC"
        require(plain, f"inspector.accepted expires of {self.finding}", self.expires, day)
        if self.package is not None:
            matches("inspector.accepted package", self.package, _PACKAGE, "the name of a package")
        if self.image is not None:
            digest = r"sha256:[0-9a-f]{64}"
            matches("inspector.accepted image", self.image, digest, "sha256:<64 hex>")

    def published(self) -> ImageWaiver:
        """Return what the controller reads of it; the reason stays in the settings."""
        return ImageWaiver(
            finding=self.finding,
            expires=self.expires.isoformat(),
            package=self.package or "",
            image=self.image or "",
        )

"""What Inspector says of a resource, from its events and its lists, in one form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["SEVERITIES", "Finding", "Malformed", "moment", "read"]

SEVERITIES: Final = ("CRITICAL", "HIGH")
"""What keeps sessions from starting. A finding that falls below is as good as closed."""

_IMAGE: Final = "AWS_ECR_CONTAINER_IMAGE"
_WRITTEN: Final = "%b %d, %Y, %I:%M:%S %p"
"""How events write a time, such as ``Dec 3, 2021, 6:02:30 PM``, in UTC.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-events.html.
"""


class Malformed(ValueError):
    """Inspector would not write it so: nothing was recorded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding at one resource.

    Attributes:
        arn: of the finding.
        resource: id of what it was found in.
        repository: of an image, its name; empty for other resources.
        image: digest of an image; empty for other resources.
        vulnerability: what it is called, such as ``CVE-2026-1234``; a title without such a name.
        severity: as Inspector says.
        package, version, fixed: the first package that it names; ``fixed`` is empty without a fix.
        others: each further package that it names, likewise: a waiver is about one of them.
        open: whether it stands: neither closed nor below the severities that count. What somebody
            suppressed in Inspector stands, as only settings waive.
        updated: when Inspector last changed it, in seconds since 1970.
    """

    arn: str
    resource: str
    repository: str
    image: str
    vulnerability: str
    severity: str
    package: str
    version: str
    fixed: str
    open: bool
    updated: float
    others: tuple[Mapping[str, str], ...] = ()

    def entry(self) -> dict[str, Any]:
        """Return what the record keeps of it."""
        said = {
            **{"vulnerability": self.vulnerability, "severity": self.severity},
            **{"package": self.package, "version": self.version, "fixed": self.fixed},
        }
        return {
            **{name: value for name, value in said.items() if value},
            **({"others": [*map(dict, self.others)]} if self.others else {}),
            **({} if self.open else {"open": False}),
            "updated": self.updated,
        }


def read(said: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each resource that it is at.

    Args:
        said: an event's ``detail``, or one of ListFindings: both have the same fields.

    Raises:
        Malformed: a field is missing, or of another kind.
    """
    try:
        details = said.get("packageVulnerabilityDetails") or {}
        first, *others = [*map(_package, details.get("vulnerablePackages") or ())] or [{}]
        for one in said["resources"]:
            image = (one.get("details") or {}).get("awsEcrContainerImage") or {}
            is_image = one["type"] == _IMAGE
            yield Finding(
                arn=said["findingArn"],
                resource=one["id"],
                repository=image["repositoryName"] if is_image else "",
                image=image["imageHash"] if is_image else "",
                vulnerability=details.get("vulnerabilityId") or said.get("title", "a finding"),
                severity=said["severity"],
                package=first.get("package", ""),
                version=first.get("version", ""),
                fixed=first.get("fixed", ""),
                open=said["status"] != "CLOSED" and said["severity"] in SEVERITIES,
                updated=moment(said["updatedAt"]),
                others=tuple(others),
            )
    except (AttributeError, LookupError, TypeError) as error:
        raise Malformed(f"a finding of Inspector lacks or garbles {error}") from error


def _package(said: Mapping[str, Any]) -> dict[str, str]:
    fixed = said.get("fixedInVersion") or ""
    kept = {
        "package": said.get("name") or "",
        "version": said.get("version") or "",
        "fixed": "" if fixed.replace(" ", "").lower() == "notavailable" else fixed,
    }
    return {name: value for name, value in kept.items() if value}


def moment(said: object) -> float:
    """Return a time in seconds since 1970, as events, lists and JSON write it.

    Raises:
        Malformed: it is none.

    Example:
        >>> moment("Dec 3, 2021, 6:02:30 PM") == moment("2021-12-03T18:02:30Z")
        True
    """
    if isinstance(said, dt.datetime):
        return said.timestamp()
    if isinstance(said, int | float):
        return float(said)
    text = " ".join(str(said).split())
    try:
        return dt.datetime.strptime(text, _WRITTEN).replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        pass
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{text!r:.60} is no time that Inspector writes") from None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()

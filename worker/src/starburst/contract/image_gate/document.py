"""The document of an image gate: where its record is, and which findings it lets through."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Final

from starburst.untrusted.strict_json import fill, known_fields, read_object

__all__ = ["UNSCANNED", "ImageGateDocument", "ImageWaiver", "image_gate_parameter"]

_SCHEMA: Final = 1

UNSCANNED: Final = "unscanned"
"""What a waiver names that lets images through which no scan has seen."""


def image_gate_parameter(environment: str) -> str:
    """Return the name of the SSM parameter that holds an environment's document.

    Example:
        >>> image_gate_parameter("prod")
        '/starburst/prod/image-gate'
    """
    return f"/starburst/{environment}/image-gate"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageWaiver:
    """One finding that does not keep sessions from starting, until a day.

    Attributes:
        finding: as Inspector calls the vulnerability, such as ``CVE-2026-1234``, or
            :data:`UNSCANNED`; letters of any case.
        expires: the last day on which it holds, in UTC, as ``2027-01-31``.
        package: of which alone; any without it.
        image: the digest of which alone, ``sha256:…``; any without it.
    """

    finding: str
    expires: str
    package: str = ""
    image: str = ""

    def covers(self, finding: str, *, package: str, image: str) -> bool:
        """Return whether it is about a finding, expired or not."""
        return (
            self.finding.upper() == finding.upper()
            and self.package in ("", package)
            and self.image in ("", image)
        )

    def holds(self, now: float) -> bool:
        """Return whether it has not expired by then, in seconds since 1970."""
        today = dt.datetime.fromtimestamp(now, dt.UTC).date()
        return today <= dt.date.fromisoformat(self.expires)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageGateDocument:
    """The JSON of ``/starburst/<environment>/image-gate``.

    Attributes:
        bucket: name of the bucket in which the gate keeps its record.
        waivers: what it lets through.
    """

    bucket: str
    waivers: tuple[ImageWaiver, ...] = ()

    def to_json(self) -> str:
        """Return the document's text; what a waiver leaves open is left out."""
        waivers = [
            {name: value for name, value in asdict(one).items() if value} for one in self.waivers
        ]
        return json.dumps(
            {"schema": _SCHEMA, "bucket": self.bucket, "waivers": waivers},
            sort_keys=True,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> ImageGateDocument:
        """Read the document; raise ValueError where it has another schema or lacks a field."""
        fields = read_object(text)
        schema = fields.pop("schema", None)
        if type(schema) is not int or schema != _SCHEMA:
            raise ValueError(f"image gate document has schema {schema}; this release reads 1")
        said = fields.pop("waivers", [])
        if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
            raise ValueError("image gate document is malformed: waivers is no list of objects")
        waivers = tuple(fill(ImageWaiver, known_fields(ImageWaiver, one)) for one in said)
        for one in waivers:
            dt.date.fromisoformat(one.expires)
        return fill(cls, {**known_fields(cls, fields), "waivers": waivers})

"""What a workspace says of packages: which may travel, and which its image has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from starburst.untrusted.strict_json import fill, known_fields, read_object

__all__ = ["PackagePolicy", "PackagesDocument", "packages_parameter"]

PackagePolicy = Literal["image", "allowed", "any"]
"""Which packages workers may have: the image's alone; also those that a steward put there; or what
an analyst sends."""

_SCHEMA: Final = 1


def packages_parameter(environment: str, workspace: str) -> str:
    """Return the name of the SSM parameter that holds a workspace's document.

    Example:
        >>> packages_parameter("prod", "genomics")
        '/starburst/prod/packages/genomics'
    """
    return f"/starburst/{environment}/packages/{workspace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackagesDocument:
    """The JSON of ``/starburst/<environment>/packages/<workspace>``.

    Attributes:
        policy: who may put packages there.
        allowed: what a steward may put there where the policy is ``allowed``: a name, a name with
            a version specifier (``numpy>=2,<3``), or ``sha256:`` and a wheel's hash.
        days: how long a wheel lives after the end of the last session that names it.
        image_digest: of the workers' image, ``sha256:…``.
        image: normalized names and versions of the packages in it; None where nobody has listed
            them, so that whatever is needed travels.
    """

    policy: PackagePolicy = "image"
    allowed: tuple[str, ...] = ()
    days: int = 30
    image_digest: str = ""
    image: Mapping[str, str] | None = field(default=None)

    def to_json(self) -> str:
        """Return the document's text."""
        return json.dumps(
            {"schema": _SCHEMA, **asdict(self)}, sort_keys=True, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> PackagesDocument:
        """Read the document; raise ValueError where it has another schema or lacks a field."""
        fields = read_object(text)
        schema = fields.pop("schema", None)
        if type(schema) is not int or schema != _SCHEMA:
            raise ValueError(f"packages document has schema {schema}; this release reads {_SCHEMA}")
        allowed = fields.pop("allowed", ())
        if not isinstance(allowed, list) or not all(type(each) is str for each in allowed):
            raise ValueError("packages document is malformed: allowed is no list of texts")
        return fill(cls, {**known_fields(cls, fields), "allowed": tuple(allowed)})

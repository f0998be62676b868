"""The list of wheels that a session's workers unpack: its hash stands in the signed manifest.

It is no secret and not sealed: who changes it changes its hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from starburst.contract import SessionKeys, WorkspaceKeys
from starburst.errors import IntegrityError
from starburst.pricing.prices import Architecture
from starburst.untrusted.strict_json import Whole, fill, read_object

__all__ = ["PackageList", "Wheel", "package_list_key"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_WHEEL: Final = re.compile(r"[A-Za-z0-9._+!-]{1,240}\.whl")
_MOST_WHEELS: Final = 2000


def package_list_key(keys: SessionKeys) -> str:
    """Return where the list of a session is."""
    return f"{keys.functions}packages.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """One wheel.

    Attributes:
        name, version: of its distribution, normalized.
        filename: as its index has it; it says for which Pythons and machines the wheel is.
        sha256: of the file.
        size: of the file, bytes.
        copy: which copy of it, as ``WorkspaceKeys.package`` counts.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: Whole
    copy: Whole = 0

    def key(self, workspace: str) -> str:
        """Return where it is."""
        return WorkspaceKeys(workspace=workspace).package(self.sha256, self.copy)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageList:
    """What workers unpack, in the order of names.

    Attributes:
        python: ``major.minor`` that the wheels are for.
        architecture: of the workers that they are for.
        wheels: the wheels.
    """

    python: str
    architecture: Architecture
    wheels: tuple[Wheel, ...] = field(default=())

    @property
    def versions(self) -> Mapping[str, str]:
        """Normalized names and versions."""
        return {wheel.name: wheel.version for wheel in self.wheels}

    @property
    def size(self) -> int:
        """Bytes of all wheels."""
        return sum(wheel.size for wheel in self.wheels)

    def to_json(self) -> bytes:
        """Return the text of which the manifest holds the hash."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """The hash of its text, as the manifest names it."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @classmethod
    def from_json(cls, text: bytes, *, digest: str) -> PackageList:
        """Verify and read a list.

        Args:
            text: what was stored.
            digest: its hash, from the signed manifest.

        Raises:
            IntegrityError: it is another list, or none.
        """
        if hashlib.sha256(text).hexdigest() != digest:
            raise IntegrityError("the session's list of packages is not the one that was signed")
        try:
            fields = read_object(text)
            wheels = tuple(fill(Wheel, each) for each in fields.pop("wheels"))
            found = fill(cls, {**fields, "wheels": wheels})
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"the session's list of packages is malformed: {error}") from error
        sound = len(wheels) <= _MOST_WHEELS and all(
            _SHA256.fullmatch(each.sha256) and _WHEEL.fullmatch(each.filename) for each in wheels
        )
        if not sound:
            raise IntegrityError("the session's list of packages names no wheels, or too many")
        return found

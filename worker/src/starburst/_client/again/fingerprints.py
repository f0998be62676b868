"""Telling whether work is what was sent before, on another day too: by hash of what is sent.

What tasks share has other names in each session, so that its content stands in their place.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from starburst._client.packages.bringing import Packages, Work
from starburst._functions.bundle import Bundle
from starburst._functions.capturing import needs_of
from starburst._functions.sharing import Sharing
from starburst._packages.uses import versions_of
from starburst._protocol.sealed.code.parcels import Parcel, objects_of
from starburst._protocol.sealed.envelope import Buffer

__all__ = ["Contents", "Made"]

_SHORT: Final = 16
"""Bytes of a fingerprint: enough that no two inputs of all that ever were have the same."""


class Contents:
    """Fingerprints of inputs, and of what they share.

    Args:
        read: returns what stands under the name of a shared object.
    """

    def __init__(self, read: Callable[[str], Parcel]) -> None:
        self._read = read
        self._known: dict[str, bytes] = {}

    def of(self, data: Buffer) -> bytes:
        """Return the fingerprint of an input or a function as it travels."""
        return self._digest([data], objects_of(data))[:_SHORT]

    def _digest(self, parts: Sequence[Buffer], names: Sequence[str]) -> bytes:
        digest = hashlib.sha256()
        for part in parts:
            digest.update(self._named_by_content(bytes(part), names) if names else part)
        return digest.digest()

    def _named_by_content(self, data: bytes, names: Sequence[str]) -> bytes:
        for name in names:
            data = data.replace(name.encode(), self._object(name))
        return data

    def _object(self, name: str) -> bytes:
        if name not in self._known:
            parcel = self._read(name)
            self._known[name] = self._digest([*parcel.parts()], parcel.needs)
        return self._known[name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What calls are made of, beside their inputs.

    Attributes:
        function: fingerprint of it, with the modules and libraries that it names.
        packages: of what workers have beside their image.
        beginning: of the variables and the call that each process begins with.
    """

    function: bytes
    packages: bytes
    beginning: bytes

    @classmethod
    def of(
        cls,
        function: bytes,
        carried: Bundle,
        *,
        work: Work,
        packages: Packages,
        beginning: Sequence[object],
        sharing: Sharing,
    ) -> Self:
        """Return it for a map that has not begun.

        Args:
            function: pickled.
            carried: what goes with it.
            work: what it names.
            packages: what workers will have.
            beginning: variables, and the pickles of a call.
            sharing: what it shares with its inputs.
        """
        versions = sorted(versions_of(work.named).items())
        sent = packages.sent
        return cls(
            function=Contents(sharing.parcel).of(function)
            + carried.digest
            + repr((versions, sorted(needs_of(function)))).encode(),
            packages=b"" if sent is None else sent.digest.encode(),
            beginning=repr(beginning).encode(),
        )

    def marks(self, key: bytes) -> Mapping[str, str]:
        """Return what tells it in a manifest, to who has the session's key alone."""
        parts = {
            "function": self.function,
            "packages": self.packages,
            "environment and initializer": self.beginning,
        }
        return {name: hmac.digest(key, part, "sha256").hex()[:32] for name, part in parts.items()}

"""Which actions IAM tracks, read once more from AWS's service reference, apart from the job.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starburst_assurance.proofs.reading.errors import ProofError

__all__ = ["Tracked", "from_aws", "from_folder"]

_HOST: Final = "https://servicereference.us-east-1.amazonaws.com/v1"
_LAST_ACCESSED: Final = "IAM Action Last Accessed"
_MOST_BYTES: Final = 1 << 24
_SECONDS: Final = 20


class Tracked:
    """Answers whether IAM tracks an action; each service is read once, when it is first asked for.

    Args:
        read: returns a service's document.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._known: dict[str, frozenset[str]] = {}
        self.unread: dict[str, str] = {}
        """Services of which nobody could say what is tracked, with the reason: of these nothing."""

    def __call__(self, action: str) -> bool:
        """Return whether IAM tracks an action such as ``s3:ListAllMyBuckets``."""
        service, _, name = action.lower().partition(":")
        if service not in self._known:
            self._known[service] = self._names(service)
        return name in self._known[service]

    def _names(self, service: str) -> frozenset[str]:
        try:
            said = json.loads(self._read(service))
            if said["Name"].lower() != service:
                raise ValueError(f"it is of {said['Name']}")
            return frozenset(
                each["Name"].lower()
                for each in said["Actions"]
                if each.get("SupportedBy", {}).get(_LAST_ACCESSED) is True
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            self.unread[service] = f"the service reference of {service} was not read ({error})"
            return frozenset()


def from_aws() -> Tracked:
    """Return what AWS says now."""

    def read(service: str) -> bytes:
        address = f"{_HOST}/{service}/{service}.json"
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 - https
            found: bytes = answer.read(_MOST_BYTES)
        return found

    return Tracked(read)


def from_folder(folder: Path) -> Tracked:
    """Return what files that were taken from there say, ``<service>.json`` each.

    Raises:
        ProofError: there is no such folder.
    """
    if not folder.is_dir():
        raise ProofError(f"{folder} is no folder of service references; nothing was proved")
    return Tracked(lambda service: (folder / f"{service}.json").read_bytes())

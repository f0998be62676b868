"""Which actions IAM tracks, by AWS's own service reference; of what it does not say, none.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html.
Of each action, ``SupportedBy`` says whether ``IAM Action Last Accessed`` has it.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["HOST", "Reference", "fetch_from", "reference_of"]

HOST: Final = "https://servicereference.us-east-1.amazonaws.com/v1"

_TRACKED: Final = "IAM Action Last Accessed"
_MOST_BYTES: Final = 16_000_000
_SECONDS: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The actions of one service.

    Attributes:
        service: its prefix, in small letters.
        version: of the document.
        names: its actions, ``service:Name``, in order.
        tracked: those that IAM tracks, in small letters.
    """

    service: str
    version: str
    names: tuple[str, ...]
    tracked: frozenset[str]


def fetch_from(base: str) -> Callable[[str], bytes]:
    """Return what reads a service's document below an address.

    Args:
        base: ``https://…``; ``http://127.0.0.1:…`` where it is rehearsed.

    Raises:
        ValueError: it is neither.
    """
    if not base.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{base} is no address of the service reference")

    def fetch(service: str) -> bytes:
        address = f"{base}/{service}/{service}.json"
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 - see above
            found: bytes = answer.read(_MOST_BYTES + 1)
        if len(found) > _MOST_BYTES:
            raise ValueError(f"{address} is larger than any service's document")
        return found

    return fetch


def reference_of(service: str, fetch: Callable[[str], bytes]) -> Reference | str:
    """Return the actions of a service, or why they are not known: then none counts as tracked.

    Args:
        service: its prefix.
        fetch: reads its document.
    """
    if not service.replace("-", "").isalnum():
        return f"{service} is no prefix of a service"
    try:
        said: Any = json.loads(fetch(service))
        if said["Name"].lower() != service.lower():
            return f"the service reference answered for {said['Name']} instead of {service}"
        names = tuple(f"{service}:{each['Name']}" for each in said["Actions"])
        tracked = (
            f"{service}:{each['Name']}".lower()
            for each in said["Actions"]
            if each.get("SupportedBy", {}).get(_TRACKED) is True
        )
        return Reference(
            service=service.lower(),
            version=str(said.get("Version", "")),
            names=names,
            tracked=frozenset(tracked),
        )
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        return f"the service reference of {service} could not be read ({error})"[:300]

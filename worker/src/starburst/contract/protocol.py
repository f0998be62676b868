"""The versions that must agree: of messages, and of environments and the clients they serve."""

from __future__ import annotations

import re
from typing import Final

from starburst.untrusted.strict_json import read_object

__all__ = [
    "FIRST_RELEASE",
    "OLDEST_CLIENT",
    "PROTOCOL",
    "RELEASE",
    "speaks_protocol",
    "unserved",
]

PROTOCOL: Final = 1
"""Version of every message, manifest and sealed object; both sides refuse another."""

RELEASE: Final = "0.2.0.dev0"
"""This one; ``starburst.__version__`` says the same."""

FIRST_RELEASE: Final = "0.1.0"
"""What a runtime document that names no release is of."""

OLDEST_CLIENT: Final = "0.1.0"
"""The oldest client that this release's environments serve: raised with what it could not read."""

_OLDEST_ENVIRONMENT: Final = "0.1.0"
"""The oldest release whose environments this client can use: raised with what it asks of them."""

_RELEASE: Final = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})[a-z0-9.+]{0,20}", re.ASCII)


def speaks_protocol(value: object) -> bool:
    """Return whether a field holds our protocol's version, as the whole number that it is."""
    return type(value) is int and value == PROTOCOL


def unserved(document: str, *, client: str = RELEASE) -> str | None:
    """Return why a client of a release cannot use an environment, and which it needs; else None.

    ``release`` and ``oldest_client`` keep their names and meaning whatever schema a document has,
    so that any client can be told.

    Args:
        document: the text of its runtime document.
        client: the client's version.

    Raises:
        ValueError: the text is no document, or its releases are none.
    """
    fields = read_object(document)
    release = fields.get("release", FIRST_RELEASE)
    oldest = fields.get("oldest_client", FIRST_RELEASE)
    if _order(client) < _order(oldest):
        return (
            f"the environment serves starburst {oldest} and newer, and this is {client}: install "
            f"starburst {release}, which is the environment's own"
        )
    if _order(release) < _order(_OLDEST_ENVIRONMENT):
        return (
            f"the environment is of release {release}, and starburst {client} uses those of "
            f"{_OLDEST_ENVIRONMENT} and newer: install starburst {release}, or have the "
            "environment upgraded"
        )
    return None


def _order(release: object) -> tuple[int, ...]:
    """Return the numbers of a release; a preview counts as what it comes before."""
    said = _RELEASE.fullmatch(release) if isinstance(release, str) else None
    if said is None:
        raise ValueError(f"{release!r:.40} is no release")
    return tuple(map(int, said.groups()))

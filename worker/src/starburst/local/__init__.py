"""The local environment: an AWS emulator on 127.0.0.1 that holds the real stacks.

It needs ``pip install "starburst[local]"``: no AWS account, no Docker, no Node, no CDK.

Example::

    from starburst.local import ensure

    local = ensure()
    session = local.analyst_session(user="alice", workspace="demo")
    s3 = local.client(session, "s3")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .environment import LocalEnvironment
    from .sharing import attach, current, endpoint, ensure, share

__all__ = ["LocalEnvironment", "attach", "current", "endpoint", "ensure", "share"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute
    """Import on first use, so that the guardian process starts without boto3."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import environment, sharing  # noqa: PLC0415 - see above

    return getattr(environment if name == "LocalEnvironment" else sharing, name)

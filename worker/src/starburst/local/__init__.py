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
    from .environment import LocalEnvironment, current, ensure

__all__ = ["LocalEnvironment", "current", "ensure"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the guardian process starts without boto3."""
    if name in __all__:
        from . import environment

        return getattr(environment, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Retries that draw their pauses from randomness of their own.

botocore draws them from the ``random`` module, in our threads. Who has seeded that for an analysis
would find other numbers after a burst that AWS throttled.
"""

from __future__ import annotations

import random
from typing import Any, Final, TypeVar

from botocore.client import BaseClient
from botocore.retries import standard

__all__ = ["own_jitter"]

_C = TypeVar("_C", bound=BaseClient)

_RANDOM: Final = random.Random()  # noqa: S311 - it spreads requests, and keeps no secret


def own_jitter(client: _C) -> _C:
    """Leave the person's ``random`` alone; return the client."""
    name = client.meta.service_model.service_id.hyphenize()
    event, unique_id = f"needs-retry.{name}", f"retry-config-{name}"
    retries: Any = client.meta.config.retries  # type: ignore[attr-defined]
    # The one that is registered stays so for now: botocore registers each id once.
    handler: Any = standard.register_retry_handler(client, retries["total_max_attempts"])
    backoff: Any = getattr(getattr(handler, "_retry_policy", None), "_retry_backoff", None)
    if hasattr(backoff, "_random"):  # else another release of botocore: its retries are the point
        backoff._random = _RANDOM.random
        client.meta.events.unregister(event, unique_id=unique_id)
        client.meta.events.register(event, handler.needs_retry, unique_id=unique_id)
    return client

"""A manifest that tests change where they ask something of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starburst._protocol.manifest import Manifest

__all__ = ["a_manifest"]


def a_manifest(**fields: Any) -> Manifest:
    """A session of three small workers."""
    return replace(
        Manifest(
            workspace="genomics",
            user="alice",
            session="a" * 20,
            workers=3,
            cpu=1,
            memory_gb=4,
            timeout_seconds=3600,
            idle_seconds=60,
            task_timeout_seconds=None,
            retries=0,
            attempts=3,
            results="data",
            capacity="on-demand",
            created=1.0,
            python="3.11",
            public_key="",
            data_key="",
            signing_key="",
        ),
        **fields,
    )

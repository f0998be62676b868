"""What tests reach for inside a session, in one place: queue, keys, where tasks travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starburst import Session
from starburst._client.session_core import SessionCore
from starburst._protocol.sealed.chunks import LedgerEntry

__all__ = ["chunks", "core", "data_key", "flush", "in_one_pack", "queue_url"]


def core(session: Session) -> SessionCore:
    """The parts that a session is made of."""
    return session._core


def flush(session: Session) -> None:
    """Return when all that was submitted is in S3 and in the queue."""
    core(session).dispatcher.flush()


def queue_url(session: Session) -> str:
    return core(session).queue.url()


def data_key(session: Session) -> bytes:
    """The 32 bytes that seal what the session stores."""
    return core(session).key.data


def chunks(session: Session) -> Mapping[str, LedgerEntry]:
    """Where the tasks travel, by the name of their chunk."""
    return core(session).tasks._sent.entries


@contextmanager
def in_one_pack(session: Session) -> Iterator[None]:
    """Send nothing meanwhile, so that all that is submitted travels together, however slowly."""
    with core(session).dispatcher._arrived:
        yield

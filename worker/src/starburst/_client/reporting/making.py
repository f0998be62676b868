"""Making a session's report: what is known of it is gathered, and the page is written."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starburst.errors import ConfigurationError
from starburst.pricing.fargate import MEMORY_GB, SCRATCH_GB
from starburst.pricing.prices import FREE_SCRATCH_GB
from starburst.pricing.tariff import environment_prices, worker_usd

from .facts import Facts
from .kept import read_record
from .page import page

if TYPE_CHECKING:
    from starburst._client.session_core import SessionCore

__all__ = ["gather", "write_report"]

_ROOM: Final = 1.5
"""How much more memory than the peak a smaller worker has at least."""

_MIB_A_GB: Final = 1024
_MODE: Final = 0o600


def write_report(core: SessionCore, path: str | os.PathLike[str] | None) -> Path:
    """Write the report of a session; return where it is.

    Args:
        core: of the session.
        path: of the file; None for one in the working directory that is named after the session.

    Raises:
        ConfigurationError: no file can be written there.
        StarburstError: AWS refused.
    """
    target = Path(f"starburst-{core.id}.html" if path is None else path).expanduser()
    if target.is_dir() or not target.parent.is_dir():
        why = "is a folder" if target.is_dir() else "lies in no folder that is there"
        raise ConfigurationError(f"the report cannot be written: {target} {why}")
    text = page(gather(core))
    draft = target.parent / f".starburst-{secrets.token_hex(8)}.part"
    try:
        # It tells of inputs and errors: for who made it, until they give it to others.
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write(text)
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise ConfigurationError(f"the report cannot be written to {target}: {error}") from error
    return target


def gather(core: SessionCore) -> Facts:
    """Return what is known of a session by now.

    Raises:
        StarburstError: AWS refused.
    """
    tally, story = core.status(None).tasks, core.collector.course.story()
    if not core.statuses.erased:
        core.collector.catch_up()
        core.statuses.read()
        tally, story = core.status(None).tasks, core.collector.course.story()
        kept = None if story.tasks else read_record(core)
        if kept is not None:
            tally, story = kept
    status, document = core.statuses.latest, core.connection.document
    return Facts(
        environment=document.environment,
        local=core.connection.local,
        manifest=core.manifest,
        status=status,
        tally=tally,
        story=story,
        now=time.time(),
        hour_usd=_hour_usd(core, core.manifest.memory_gb),
        smaller=_smaller(core, max((worker.peak for worker in story.workers), default=0)),
    )


def _hour_usd(core: SessionCore, memory_gb: float) -> tuple[float, float] | None:
    """Return the price of a worker's hour, on demand and on Spot; None where none is known."""
    wanted, document = core.manifest, core.connection.document
    workspace = document.workspaces.get(core.connection.workspace)
    scratch = wanted.scratch_gb or (FREE_SCRATCH_GB if workspace is None else workspace.scratch_gb)

    def usd(*, spot: bool) -> float:
        return worker_usd(
            document,
            cpu=wanted.cpu,
            memory_gb=memory_gb,
            scratch_gb=min(scratch, SCRATCH_GB[1]),
            architecture=wanted.architecture or "",
            spot=spot,
            prices=environment_prices(document),
        )

    try:
        return usd(spot=False), usd(spot=True)
    except ConfigurationError:
        return None


def _smaller(core: SessionCore, peak: int) -> tuple[float, float] | None:
    """Return the least memory that holds the peak with room, and its price, if that is less."""
    wanted = core.manifest
    if not peak or core.connection.document.hosts is not None:
        return None
    needed = _ROOM * peak / _MIB_A_GB
    least = next((gb for gb in MEMORY_GB.get(wanted.cpu, ()) if gb >= needed), None)
    found = None if least is None else _hour_usd(core, least)
    if least is None or found is None or least >= wanted.memory_gb:
        return None
    return least, found[0]

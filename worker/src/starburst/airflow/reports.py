"""Writing a session's report where people of Airflow's can open it, and where its link leads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from fsspec.core import url_to_fs

from starburst._client.attaching import attach_session
from starburst.errors import ConfigurationError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["link_to", "write_report"]

_CONSOLE: Final = "https://console.aws.amazon.com/s3/object"


def write_report(connection: Connection, session: str, target: str) -> None:
    """Write the report of a session, as :meth:`starburst.Session.report` makes it.

    Args:
        connection: where the session is.
        session: its id.
        target: a path that this machine can write, or a URL that fsspec can, such as ``s3://…``.

    Raises:
        ConfigurationError: nothing here can write to it.
        StarburstError: the session cannot be read.
    """
    found: Any = attach_session(connection, session, progress=False)
    try:
        found._core.collector.catch_up()
        with tempfile.TemporaryDirectory(prefix="starburst-") as folder:
            page = Path(found.report(str(Path(folder) / "report.html"))).read_bytes()
    finally:
        found.detach()
    try:
        system, path = url_to_fs(target, auto_mkdir=True)
        system.pipe_file(path, page)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigurationError(
            f"report={target!r} cannot be written: {error}. Name a path or a URL that the machines "
            "on which Airflow runs tasks can write"
        ) from error


def link_to(target: str) -> str:
    """Return where a browser finds what was written.

    Example:
        >>> link_to("s3://reports/nightly/1.html")
        'https://console.aws.amazon.com/s3/object/reports?prefix=nightly/1.html'
    """
    parts = urlsplit(target)
    if parts.scheme == "s3":
        return f"{_CONSOLE}/{parts.netloc}?prefix={quote(parts.path.lstrip('/'))}"
    return target if parts.scheme else Path(target).absolute().as_uri()

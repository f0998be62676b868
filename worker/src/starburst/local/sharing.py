"""One local environment for several processes: the variables by which they find it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .environment import LocalEnvironment, ensure
from .place import STATE_VARIABLE

__all__ = ["share"]


@contextmanager
def share(local: LocalEnvironment | None = None) -> Iterator[dict[str, str]]:
    """Yield the variables that let other processes of this user find a local environment.

    Args:
        local: a deployed environment; the one of :func:`ensure` by default.

    Example::

        with share() as variables:
            subprocess.run(["python", "analysis.py"], env={**os.environ, **variables})
    """
    shared = ensure() if local is None else local
    with tempfile.TemporaryDirectory(prefix="starburst-") as folder:
        path = Path(folder) / "state.json"
        shared.write_state(path)
        yield {STATE_VARIABLE: str(path)}

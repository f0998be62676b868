"""Starting the processes of a session's tasks as its client wants them to begin."""

from __future__ import annotations

import functools
from collections.abc import Callable

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.code.preparation import Preparation

from .process import Child
from .thread_limits import thread_limits

__all__ = ["prepared"]


def prepared(
    manifest: Manifest, preparation: Preparation, *, start: Callable[..., Child] = Child
) -> Callable[[], Child]:
    """Return what starts a child of this session.

    Args:
        manifest: the session's terms.
        preparation: its variables.
        start: starts one; :class:`Child`, or what passes its arguments on.
    """
    return functools.partial(
        start,
        variables={**thread_limits(manifest.cpu), **preparation.variables},
    )

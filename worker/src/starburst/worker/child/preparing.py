"""Starting the processes of a session's tasks as its client wants them to begin."""

from __future__ import annotations

from collections.abc import Callable

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.code.preparation import Preparation
from starburst.contract import DATA_VARIABLE, WorkspaceKeys
from starburst.worker.child.printing.output import Take
from starburst.worker.printing.masking import Mask

from .process import Child
from .thread_limits import thread_limits

__all__ = ["prepared"]


def prepared(
    manifest: Manifest,
    preparation: Preparation,
    *,
    bucket: str = "",
    packages: Callable[[], str] = str,
    take: Take | None = None,
    mask: Mask | None = None,
    start: Callable[..., Child] = Child,
) -> Callable[[], Child]:
    """Return what starts a child of this session.

    Args:
        manifest: the session's terms.
        preparation: its variables.
        bucket: where the workspace's data are.
        packages: returns the folder of what is imported first; the empty text for none.
        take: takes each line that tasks print.
        mask: takes secrets out of them before.
        start: starts one; :class:`Child`, or what passes its arguments on.
    """
    keys = WorkspaceKeys(workspace=manifest.workspace)
    data = {DATA_VARIABLE: f"s3://{bucket}/{keys.data}"} if bucket else {}
    variables = {**thread_limits(manifest.cpu), **data, **preparation.variables}

    def child() -> Child:
        printing = {} if take is None else {"take": take, "mask": mask}
        return start(variables=variables, packages=packages(), **printing)

    return child

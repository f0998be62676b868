"""Bills of materials: what the locked runtime and the locked deployment kit consist of."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deploy.tools.cdk import ROOT

__all__ = ["SBOMS", "SbomError", "sbom"]

SBOMS: Final = {
    "runtime.cdx.json": ("--package", "starburst", "--no-dev", "--extra", "arrow"),
    "kit.cdx.json": ("--package", "starburst-kit", "--no-dev"),
}
"""uv's arguments for each file; the runtime is what the worker image and the client install."""

_NAMES: Final = uuid.UUID("6f9f4d5e-2d6b-5a86-9a3c-6e1c0f0f4a11")


class SbomError(RuntimeError):
    """uv could not list what is locked."""


def sbom(file: str, *, time: datetime) -> dict[str, Any]:
    """Return one bill in CycloneDX 1.5.

    Args:
        file: one of ``SBOMS``.
        time: to state; the serial number follows from the contents.

    Raises:
        SbomError: uv is missing, or its lock is not that of the projects.
    """
    uv = Path(sys.executable).parent / "uv"
    done = subprocess.run(  # noqa: S603 - our own dependency
        [
            str(uv if uv.exists() else "uv"),
            *("export", "--quiet", "--offline", "--locked", "--format", "cyclonedx1.5"),
            *SBOMS[file],
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SbomError(f"uv could not write {file}: {done.stderr.strip()}; try make lock")
    bill: dict[str, Any] = json.loads(done.stdout)
    bill.pop("serialNumber", None)
    bill["metadata"].pop("timestamp", None)
    contents = json.dumps(bill, sort_keys=True)
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMES, contents)}"
    bill["metadata"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return bill

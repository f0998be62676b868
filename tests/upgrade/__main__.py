"""``make upgrade-check``: from each recorded release to this tree and back, with more at work.

Eight workers, forty tasks that wait, and a worker that is killed with the task that it runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import app
from tests.upgrade.load import Load, lost, under_load
from tests.upgrade.recording import RECORDED
from tests.upgrade.scene import scene

__all__ = ["main"]

_LOAD: Final = Load(workers=8, queued=40, kills=True)


def main() -> int:
    """Play them all; return 1 where a task was lost, or something that holds data would go."""
    app.use_bundled_node()
    wrong: list[str] = []
    for file in sorted(RECORDED.iterdir()):
        with tempfile.TemporaryDirectory() as folder, scene(Path(folder), file) as here:
            for old, new in ((here.before, here.after), (here.after, here.before)):
                began = time.monotonic()
                said = f"{old.name} to {new.name}"
                stops = [stop.sentence for stop in here.looks(new).stops]
                found = stops or lost(under_load(here, old, new, _LOAD))
                wrong += [f"{said}: {one}" for one in found]
                seconds = time.monotonic() - began
                sys.stdout.write(f"{said}: {len(found)} complaints, after {seconds:.0f} s\n")
    sys.stdout.writelines(f"{one}\n" for one in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""A burst whose workers run from the image, in the local environment."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import starburst
from deploy.image_check.probing import LAUNCHER
from deploy.image_check.programs import CheckError
from deploy.image_check.task import look
from starburst.local import LocalEnvironment
from starburst.local.deploy_templates import deploy_templates
from starburst.local.emulator import STATE_VARIABLE

__all__ = ["burst"]

_INPUTS: Final = range(12)


def burst(settings: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Map a function over inputs on workers of the image; return what they saw of where they are.

    Args:
        settings: of ``container.py``.
        folder: for the program that starts workers.

    Raises:
        CheckError: a result is wrong, or comes from somewhere else.
        StarburstError: the burst failed.
    """
    path = folder / "workers.json"
    path.write_text(json.dumps({**settings, "worker": True}))
    program = folder / "bin" / "python"
    program.parent.mkdir(exist_ok=True)
    words = shlex.join((sys.executable, "-I", str(LAUNCHER), str(path), "--", "python"))
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    with LocalEnvironment(strict=True, python=program) as local:
        deploy_templates(local)
        state = folder / "state.json"
        local.write_state(state)
        os.environ[STATE_VARIABLE] = str(state)
        try:
            found = list(starburst.map(look, list(_INPUTS), workers=2, timeout=300))
        finally:
            del os.environ[STATE_VARIABLE]
    wrong = [
        each for each, (root, _) in zip(_INPUTS, found, strict=True) if root != math.sqrt(each)
    ]
    if wrong:
        raise CheckError(f"workers of the image return wrong results for {wrong}")
    seen = {json.dumps(place, sort_keys=True) for _, place in found}
    if len(seen) > 1:
        raise CheckError(f"workers of one image see different places: {', '.join(seen)}")
    return found[0][1]

"""Synthesizing what is to be deployed, with all that judges it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.tools.cdk import ROOT, CdkFailed, base_environment
from starburst_assurance.gate.emergency import VARIABLE

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["judged"]


def judged(environment: Environment, outdir: Path) -> Path:
    """Synthesize an environment with all its judges; return where it was written to.

    An emergency that this process's environment declares is the app's to judge.

    Raises:
        CdkFailed: settings or a judge refuse it; their words are in the terminal.
    """
    done = subprocess.run(
        [sys.executable, "app.py"],
        # What the CDK CLI hands to an app.
        env=base_environment()
        | {
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps({"environments": environment.name}),
            **{name: os.environ[name] for name in (VARIABLE,) if name in os.environ},
        },
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise CdkFailed(f"environment {environment.name} did not pass its synthesis; see above")
    return outdir

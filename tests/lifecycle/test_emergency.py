"""An emergency that somebody declares reaches the app by whichever command deploys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.lifecycle import assembly
from deploy.tools.cdk import CdkFailed
from environments import DEV
from starburst_assurance.gate.emergency import VARIABLE


@pytest.mark.parametrize("declared", ["ana: the reason why, in thirty characters", None])
def test_deploy_up_hands_it_on_and_invents_none(
    declared: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.run
    said = "import os, sys; sys.exit(repr(os.environ.get(sys.argv[1])))"

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert command == [sys.executable, "app.py"]
        done = real(  # in the environment that the app would have
            [sys.executable, "-c", said, VARIABLE],
            env=options["env"],  # type: ignore[call-overload]
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr.strip() == repr(declared)
        return done

    monkeypatch.setattr(assembly.subprocess, "run", run)
    monkeypatch.delenv(VARIABLE, raising=False)
    if declared is not None:
        monkeypatch.setenv(VARIABLE, declared)
    with pytest.raises(CdkFailed, match="did not pass its synthesis"):
        assembly.judged(DEV, tmp_path)

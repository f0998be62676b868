"""The command ``python -m deploy local {up,redeploy,diff,down,check}``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from deploy.lifecycle.local import redeploy, take_down
from deploy.tools.cdk import ROOT
from deploy.tools.local import DIFFERENCES, Deployment, gaps, likeness
from starburst.errors import StarburstError
from starburst.local import LocalEnvironment, attach
from starburst.local.emulator import ENVIRONMENT, STATE_VARIABLE
from starburst.local.state import State

__all__ = ["main"]

STATE = ROOT / ".local" / "state.json"
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 0.1


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("environment", choices=["local"], help="AWS ones deploy with cdk itself")
    parser.add_argument(
        "command",
        choices=["up", "redeploy", "diff", "down", "check"],
        help="up: start, deploy and serve until interrupted; redeploy: take changed settings into "
        "the one that is up; diff: what differs from the stacks; down: end the one that is up; "
        "check: up, diff and destroy once, with timings",
    )
    parser.add_argument("--state", type=Path, default=STATE, help="file by which others find it")
    parser.add_argument(
        "--like",
        metavar="NAME",
        help="the settings of this environment, as far as the emulator can be it (default: LOCAL)",
    )
    chosen = parser.parse_args(arguments)
    commands = {"up": _up, "redeploy": _redeploy, "diff": _diff, "check": _check}
    try:
        if chosen.command == "down":
            return _down(chosen.state)
        if chosen.like is not None:
            likeness(chosen.like)  # before anything is started
        return commands[chosen.command](chosen.state, chosen.like)
    except StarburstError as error:
        _say(str(error))
        return 1


def _up(state: Path, like: str | None) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with LocalEnvironment() as local, tempfile.TemporaryDirectory() as outdir:
            Deployment(local=local, outdir=Path(outdir), like=like, report=_say).up()
            local.write_state(state)
            if like is not None:
                _say(f"It has the settings of {like}, but:")
                for difference in DIFFERENCES:
                    _say(f"- {difference}")
            _say(f"Ready at {local.endpoint}. What it cannot do:")
            for gap in gaps(local, likeness(like or ENVIRONMENT)):
                _say(f"- {gap}")
            _say(f"Use it from elsewhere with: export {STATE_VARIABLE}={state}")
            _say("Ctrl-C ends it.")
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        # Last: `down` takes its absence for the end.
        state.unlink(missing_ok=True)
    return 0


def _redeploy(state: Path, like: str | None) -> int:
    local = attach(state)
    with tempfile.TemporaryDirectory() as outdir:
        deployment = Deployment(local=local, outdir=Path(outdir), like=like, report=_say)
        found = redeploy(deployment)
    _say(f"{len(found)} resources were changed, as said above" if found else "Nothing has changed")
    return 0


def _diff(state: Path, like: str | None) -> int:
    local = attach(state)
    with tempfile.TemporaryDirectory() as outdir:
        deployment = Deployment(local=local, outdir=Path(outdir), like=like)
        deployment.synthesize()
        differs, text = deployment.diff()
    _say(text)
    return int(differs)


def _down(state: Path) -> int:
    owner = State.read(state).owner
    give_up = time.monotonic() + _STOP_SECONDS
    number = signal.SIGTERM
    while state.exists() and time.monotonic() < give_up:
        try:
            os.kill(owner, number)
        except ProcessLookupError:
            state.unlink(missing_ok=True)
        # Once is enough: from now on only look whether it is still there.
        number = 0
        time.sleep(_LOOK_SECONDS)
    if state.exists():
        _say(f"process {owner} did not end within {_STOP_SECONDS:g} s")
        return 1
    return 0


def _check(_state: Path, like: str | None) -> int:
    start = time.perf_counter()
    with LocalEnvironment() as local, tempfile.TemporaryDirectory() as outdir:
        _say(f"start: {time.perf_counter() - start:.1f} s")
        deployment = Deployment(local=local, outdir=Path(outdir), like=like, report=_say)
        deployment.up()
        differs, text = deployment.diff()
        if differs:
            _say(text)
        take_down(deployment)
    _say(f"all: {time.perf_counter() - start:.1f} s")
    return int(differs)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

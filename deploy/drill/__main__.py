"""The command ``python -m deploy.drill``: exit code 1 where something was not as it must be."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.drill.incidents import ALL
from deploy.drill.judging import NOT_SHOWN, Outcome, table
from deploy.drill.playing import play
from deploy.drill.stage import set_up
from deploy.drill.terminal import Terminal, shell
from deploy.incident.command import IncidentError, complain, say
from starburst.errors import StarburstError
from starburst.local import LocalEnvironment, current, ensure
from starburst.local.emulator import STRICT_VARIABLE

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the incidents and say what came of them; return the process's exit code."""
    words = _options().parse_args(arguments)
    os.environ.setdefault(STRICT_VARIABLE, "0")  # what packages workers have is no part of it
    try:
        shared = current() is not None
        say(
            "In the local environment that runs already: the workspace's work stops meanwhile."
            if shared
            else "Starting a local environment, with IAM enforced, and deploying into it."
        )
        local = ensure()
        with tempfile.TemporaryDirectory() as scratch:
            # A folder for each drill: no command writes over an earlier one's record.
            folder = (words.records or Path(scratch)) / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            folder.mkdir(parents=True)
            outcomes = _play_all(local, shell(local, folder), transcripts=words.transcripts)
    except (IncidentError, StarburstError) as error:
        complain(str(error))
        return 2
    for line in table(outcomes).splitlines():
        say(line)
    say("What this machine could not show:")
    for sentence in NOT_SHOWN:
        say(f"- {sentence}")
    wrong = [f"{each.incident}: {what}" for each in outcomes for what in each.wrong()]
    for what in wrong:
        complain(f"NOT AS IT MUST BE: {what}")
    return 1 if wrong else 0


def _play_all(local: LocalEnvironment, terminal: Terminal, *, transcripts: bool) -> list[Outcome]:
    outcomes = []
    with set_up(local, terminal) as stage:
        for incident in ALL:
            say(f"{incident.name}:")
            outcome = play(stage, incident)
            for line in (*outcome.told, f"ended by: {outcome.command}"):
                say(f"  {line}")
            for what, kept in outcome.evidence.items():
                say(f"  {'kept' if kept else 'NOT KEPT'}: {what}")
            if transcripts:
                sys.stdout.write(outcome.transcript)
            outcomes.append(outcome)
    return outcomes


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.drill",
        description="Play three incidents on the local environment, with the commands of the "
        "how-to, and measure how each ends.",
    )
    parser.add_argument(
        "--records",
        type=Path,
        metavar="FOLDER",
        help="keep the files that commands write, in a new folder there",
    )
    parser.add_argument(
        "--transcripts", action="store_true", help="also print what the commands wrote"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

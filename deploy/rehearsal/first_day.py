"""Try an environment in its account: deploy a throw-away one, ask it, and destroy it.

Exit codes: 0 all held and everything is gone; 1 something did not hold, everything is gone;
2 nothing was created; 3 something is still there: run it again with --destroy-only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.incident.command import IncidentError, complain, find_environment, say
from deploy.rehearsal.account import (
    Account,
    Refused,
    find_account,
    require_ready,
    reserved_executions,
)
from deploy.rehearsal.asking.check import Check
from deploy.rehearsal.asking.clock import Clock
from deploy.rehearsal.asking.subject import Subject, emulated
from deploy.rehearsal.checks import ALL as CHECKS
from deploy.rehearsal.cost import Cost, price
from deploy.rehearsal.day import HELD, REFUSED, Day
from deploy.rehearsal.deployment import Deployment, synthesize
from deploy.rehearsal.derive import DIFFERENCES, NAME, derive, new_name
from deploy.rehearsal.sessions import Sessions
from deploy.rehearsal.unfinished import Unfinished
from deploy.tools.image import ImageError, check_base, given
from environments import ALL
from starburst.aws.calls import TROUBLE
from starburst.errors import StarburstError

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["main"]

MOST_WORKERS: Final = 200
FOLDER: Final = Path("first-day")
_TROUBLE: Final = (
    Refused,
    IncidentError,
    StarburstError,
    ValueError,
    RuntimeError,
)


def main(
    arguments: Sequence[str] | None = None,
    *,
    ask: Callable[[str], str] = input,
    checks: Sequence[Check] = CHECKS,
    clock: Clock | None = None,
) -> int:
    """Live a first day; return the process's exit code.

    Args:
        arguments: of the command line.
        ask: prints a question and returns what was typed.
        checks: what is asked.
        clock: the time.
    """
    words = _options().parse_args(arguments)
    with _terminable(), tempfile.TemporaryDirectory() as folder:
        try:
            day = _prepare(words, Path(folder), ask=ask, checks=checks, clock=clock or Clock())
        except KeyboardInterrupt:
            complain("interrupted; nothing was created")
            return REFUSED
        except (*_TROUBLE, *TROUBLE) as error:
            plain = isinstance(error, TROUBLE)
            complain(f"{error}. Nothing was created; run it again" if plain else str(error))
            return REFUSED
        if day is None:
            return HELD
        if words.destroy_only:
            return day.finish()
        return day.run(workers=not words.without_workers)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Take a wish to terminate for Ctrl-C, so that it offers the way out as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _prepare(
    words: argparse.Namespace,
    outdir: Path,
    *,
    ask: Callable[[str], str],
    checks: Sequence[Check],
    clock: Clock,
) -> Day | None:
    """Return the day that may begin; None where only its plan was asked for.

    Raises:
        Refused: it may not.
    """
    chosen = find_environment(words.environment)
    left = Unfinished.read(words.folder, chosen.name)
    workers = 0 if words.without_workers else words.stops
    record = _record(words, chosen, left)
    account = None if words.plan else find_account(chosen)
    trial = derive(
        chosen,
        name=record.name,
        broker_arn=account.role_arn if account else _anybody(chosen),
        workers=record.workers,
        others=ALL,
    )
    assembly = synthesize(trial, outdir / "plan")
    cost = price(trial, assembly, workers=workers)
    if not words.destroy_only:
        _show(chosen, trial, cost, checks, workers=workers)
    if account is None:
        return None
    if not words.destroy_only:
        _require_docker(trial, without=words.without_workers)
        require_ready(trial, account.clients, reserved=reserved_executions(assembly))
        _confirm(chosen, ask)
    return _day(
        words,
        chosen,
        trial,
        account,
        record=record,
        cost=cost,
        assembly=assembly,
        ask=ask,
        checks=checks,
        clock=clock,
    )


def _day(
    words: argparse.Namespace,
    chosen: Environment,
    trial: Environment,
    account: Account,
    *,
    record: Unfinished,
    cost: Cost,
    assembly: Path,
    ask: Callable[[str], str],
    checks: Sequence[Check],
    clock: Clock,
) -> Day:
    def subject(environment: Environment) -> Subject:
        sessions = Sessions(environment=environment, session=account.session, clock=clock)
        return Subject(
            environment=environment,
            clients=account.clients,
            analyst=sessions.analyst,
            opens=sessions.opens,
            workers=words.stops,
            has_workers=not words.without_workers,
            clock=clock,
        )

    deployment = Deployment(
        environment=trial,
        clients=account.clients,
        assembly=assembly,
        say=say,
        clock=clock,
    )
    return Day(
        chosen=chosen,
        deployment=deployment,
        subject=subject,
        checks=checks,
        cost=cost,
        record=record,
        folder=words.folder,
        accounts=words.mask,
        ask=ask,
        clock=clock,
    )


def _record(words: argparse.Namespace, chosen: Environment, left: Unfinished | None) -> Unfinished:
    """Return what is about to be deployed, or what was."""
    if not words.destroy_only:
        if left is not None and not words.plan:
            raise Refused(
                f"{left.name} of an earlier first day is not destroyed yet; nothing was created. "
                "Finish it with --destroy-only"
            )
        name = new_name(one.name for one in ALL)
    else:
        name = words.name or (left.name if left else "")
        if not name:
            raise Refused(
                f"no first day of {chosen.name} is unfinished in {words.folder}. If it was begun "
                "elsewhere, name its environment: --name NAME"
            )
        if not NAME.fullmatch(name) or name in {one.name for one in ALL}:
            raise Refused(f"{name} is no throw-away environment: their names are such as fd3k9x2a")
        if left is not None and left.name == name:
            if (left.account, left.region) != (chosen.account, chosen.region):
                raise Refused(
                    f"{name} was deployed in {left.account}, {left.region}, and {chosen.name} is "
                    f"in {chosen.account}, {chosen.region} now: environments.py has changed since. "
                    "Take it back to what it was, and run this again"
                )
            return left
    return Unfinished(
        environment=chosen.name,
        name=name,
        account=chosen.account,
        region=chosen.region,
        workers=words.stops,
    )


def _anybody(chosen: Environment) -> str:
    return f"arn:aws:iam::{chosen.account}:role/whoever-runs-this"


def _require_docker(trial: Environment, *, without: bool) -> None:
    docker = os.environ.get("CDK_DOCKER", "docker")
    if without or emulated(trial):
        return
    if not shutil.which(docker):
        raise Refused(
            f"there is no {docker} here to build the worker image with; nothing was created. "
            "Install it, name another (CDK_DOCKER=podman), or leave workers out: --without-workers"
        )
    try:
        check_base(trial, given())
    except ImageError as error:
        raise Refused(
            f"nothing was created. {error} Here it is a variable: BASE=… python -m "
            "deploy.first_day …; or leave workers out: --without-workers"
        ) from error


def _confirm(chosen: Environment, ask: Callable[[str], str]) -> None:
    try:
        typed = ask("Type the account's number to begin: ").strip()
    except EOFError:
        typed = ""
    if typed != chosen.account:
        raise Refused(f"{typed!r} was typed, not the account of {chosen.name}; nothing was created")


def _show(
    chosen: Environment, trial: Environment, cost: Cost, checks: Sequence[Check], *, workers: int
) -> None:
    say(
        f"{trial.name} will try {chosen.name} in account {chosen.account}, {chosen.region}, and be "
        "destroyed again. It differs:"
    )
    for line in DIFFERENCES:
        say(f"- {line}")
    say(f"It is asked, with {workers} workers at once:")
    for check in checks:
        say(f"- {check.name}: {check.asks}")
    say(
        f"It costs {cost.most(0):.2f} USD at most for its first hour, and {cost.hour:.2f} for each "
        f"that begins after; workers and endpoints of one question are {cost.once:.2f} of it. "
        f"{cost.prices} Billed by use, not counted: "
        f"{', '.join(kind.removeprefix('AWS::') for kind in cost.by_use)}."
    )


def _workers(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if not 1 <= number <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_WORKERS}")
    return number


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.first_day",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--environment", required=True, metavar="NAME", help="the one to try")
    parser.add_argument("--plan", action="store_true", help="say what it does and costs, and stop")
    parser.add_argument("--destroy-only", action="store_true", help="finish an earlier first day")
    parser.add_argument("--name", help="with --destroy-only: what to destroy, if no file says it")
    parser.add_argument("--without-workers", action="store_true", help="no image, and no workers")
    parser.add_argument(
        "--stops", type=_workers, default=100, metavar="N", help="workers at once (default: 100)"
    )
    parser.add_argument("--mask", action="store_true", help="hide account numbers in the report")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="for the report (default: first-day/)"
    )
    return parser

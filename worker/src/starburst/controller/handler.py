"""The Lambda's entry: who may ask for what is told apart by the alias that was invoked.

A plain Invoke carries no caller, and a payload proves nothing. So IAM lets analysts invoke one
alias and our schedule and rules another, and the ARN that was used says which. Refusals are data.

Configure ``starburst.controller.handler.handle``. The directory that contains ``starburst`` is
the whole asset: nothing outside the standard library and boto3 is imported.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from starburst.contract import ControllerDoor
from starburst.controller.state.environment import Clients, Environment, Settings
from starburst.controller.state.sessions import Records
from starburst.controller.state.sweep_turns import Turns
from starburst.controller.totals.budgets import BudgetUnread
from starburst.controller.totals.keeping import Bookkeeper
from starburst.controller.totals.officers import Officers
from starburst.controller.workers.observing import is_throttled
from starburst.errors import AccessDenied, ConfigurationError, StarburstError
from starburst.untrusted.strict_json import check_plain

from .actions import Actions
from .endpoints import Endpoints
from .lifecycle import Lifecycle
from .overseeing import OVERSEEING, Overseer
from .sweep import SweepFailed, sweep
from .wakes import sessions_of, stopped_session

__all__ = ["Controller", "door_of", "handle"]

_LOG: Final = logging.getLogger(__name__)
_MARGIN_SECONDS: Final = 10
_REQUEST_SECONDS: Final = 25
_EVENT_FRESH_SECONDS: Final = 5
_SWEEP_SECONDS: Final = 30
_MOVED_SECONDS: Final = 5
_ARN_PARTS: Final = 8
"""Of a function's ARN that ends with an alias or a version."""

Answer = dict[str, Any]
Door = Callable[[Mapping[str, Any], float], Answer]
_MESSAGE_LENGTH: Final = 2000


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still take."""
        ...


class Controller:
    """One environment's controller: what stands behind :func:`handle`.

    Args:
        environment: its settings, clients and clock.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        records, keeper = Records(environment), Bookkeeper(environment=environment)
        self._life = Lifecycle(
            environment=environment,
            records=records,
            endpoints=Endpoints(environment),
            keeper=keeper,
        )
        self._actions = Actions(life=self._life)
        self._officers = Officers(keeper=keeper, records=records)
        self._overseer = Overseer(life=self._life)
        self._turns = Turns(environment)
        self._doors: Mapping[str, Door] = {
            ControllerDoor.ANALYSTS: self._asked,
            ControllerDoor.SERVICE: self._served,
            ControllerDoor.OFFICERS: self._commanded,
            ControllerDoor.RECORDS: self._consulted,
        }

    def handle(self, event: object, *, door: str, seconds: float) -> Answer:
        """Answer one event within so many seconds.

        Args:
            event: anything at all.
            door: alias by which it came.
            seconds: that are left.
        """
        until = self._environment.clock() + max(0.0, seconds - _MARGIN_SECONDS)
        try:
            opened = self._doors.get(door)
            if opened is None:
                raise AccessDenied(
                    "the controller is invoked by one of its aliases only: "
                    f"{', '.join(self._doors)}. Read the environment's runtime document anew"
                )
            return opened(_read(event), until)
        except StarburstError as error:
            # Nobody reads the answer to these: the function's alarm tells people.
            if isinstance(error, SweepFailed | BudgetUnread):
                raise
            message = str(error)[:_MESSAGE_LENGTH]
            _LOG.warning("refused: %s: %r", type(error).__name__, message)
            return {"ok": False, "error": {"type": _public(error), "message": message}}

    def _asked(self, event: Mapping[str, Any], until: float) -> Answer:
        """Answer who may only ask: for sessions of their own."""
        if event.keys() & {"starburst", "source", "detail", "detail-type", "Records"}:
            raise AccessDenied(
                "sweeps are the schedule's and events are AWS's: analysts ask for start, refresh, "
                "stop, extend and totals"
            )
        return self._actions.perform(
            event, until=min(until, self._environment.clock() + _REQUEST_SECONDS)
        )

    def _served(self, event: Mapping[str, Any], until: float) -> Answer:
        """Answer the schedule, and events of AWS."""
        if "Records" in event:
            notices = _notices(event["Records"])
            for notice in notices:
                self._officers.budget_says(notice, until=until)
            return {"ok": True} if notices else self._woken(event["Records"], until=until)
        if event.get("starburst") == "sweep":
            return self._sweep("sweep", fresh=_SWEEP_SECONDS, until=until)
        match event.get("source"):
            case "aws.cloudformation":
                # The endpoints moved: sessions that wait are tended at once, however fresh the last
                # sweep of the schedule is.
                return self._sweep("moved", fresh=_MOVED_SECONDS, until=until)
            case "aws.ecs":
                # From the rule of an earlier release, while it is being replaced.
                self._stopped(event, until=until)
                return {"ok": True}
            case _:
                raise AccessDenied(
                    "the service's alias is for sweeps and events; who asks for a session invokes "
                    f"the alias {ControllerDoor.ANALYSTS}"
                )

    def _commanded(self, event: Mapping[str, Any], until: float) -> Answer:
        """Answer officers, who may ask for no session."""
        office = self._overseer if event.get("action") in OVERSEEING else self._officers
        return office.perform(event, until=min(until, self._environment.clock() + _REQUEST_SECONDS))

    def _consulted(self, event: Mapping[str, Any], until: float) -> Answer:
        """Tell of sessions who may do nothing else."""
        if event.get("action") != "sessions":
            raise AccessDenied(
                f"the alias {ControllerDoor.RECORDS} tells of sessions and does nothing: who stops "
                f"or freezes invokes the alias {ControllerDoor.OFFICERS}"
            )
        return self._overseer.perform(event, until=until)

    def _sweep(self, kind: str, *, fresh: float, until: float) -> Answer:
        ago = self._turns.take(kind, fresh=fresh)
        if ago is not None:
            return {"ok": True, "skipped": f"the last one began {ago:.0f} s ago"}
        return {"ok": True, **sweep(self._life, until=until)}

    def _stopped(self, event: Mapping[str, Any], *, until: float) -> None:
        session = stopped_session(event)
        if session:
            self._life.tend(session, until=until, fresh=_EVENT_FRESH_SECONDS)

    def _woken(self, records: object, *, until: float) -> Answer:
        """Tend the sessions that messages are about; name those messages that are to come again."""
        failed: list[str] = []
        clock = self._environment.clock
        for session, messages in sessions_of(records).items():
            if clock() >= until:
                _LOG.warning("time is up: session %s waits for the next sweep", session)
                continue
            try:
                self._life.tend(session, until=until)
            # One session's trouble, whatever it is, must not bring the others' messages back.
            except Exception as error:
                _LOG.exception("session %s could not be tended", session)
                # Nor is it trouble that ECS is busy: the sweep asks it again within a minute.
                if not (isinstance(error, ClientError) and is_throttled(error)):
                    failed += messages
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def handle(event: object, context: LambdaContext) -> Answer:
    """Answer one invocation: a client's request, the sweep's schedule, or an event of AWS."""
    return _controller().handle(
        event,
        door=door_of(context.invoked_function_arn),
        seconds=context.get_remaining_time_in_millis() / 1000,
    )


def door_of(invoked_function_arn: object) -> str:
    """Return the alias in the ARN that was invoked; empty where it names the function itself.

    AWS documents that the ARN "indicates if the invoker specified a version number or alias":
    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html.

    Example:
        >>> door_of("arn:aws:lambda:eu-west-1:111122223333:function:controller:analysts")
        'analysts'
        >>> door_of("arn:aws:lambda:eu-west-1:111122223333:function:controller")
        ''
    """
    parts = str(invoked_function_arn).split(":")
    return parts[-1] if len(parts) == _ARN_PARTS else ""


def _notices(records: object) -> list[Mapping[str, Any]]:
    """Return what SNS tells; nothing where the records are of the queue of wakes."""
    found = records if isinstance(records, list) else []
    notices = [one.get("Sns") for one in found if isinstance(one, Mapping)]
    return [one for one in notices if isinstance(one, Mapping)]


def _read(event: object) -> Mapping[str, Any]:
    if not isinstance(event, Mapping):
        return {}
    try:
        check_plain(event)
    except ValueError as error:
        raise ConfigurationError(f"the payload cannot be read: {error}") from error
    return event


@cache
def _controller() -> Controller:
    logging.getLogger("starburst").setLevel(logging.INFO)
    patient = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5)
    # Launches and stops have their own back-off, bounded by the invocation's time.
    once = Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=5)
    session = boto3.session.Session()
    settings = Settings.from_environment(os.environ)
    clients = Clients(
        s3=session.client("s3", config=patient),
        sqs=session.client("sqs", config=patient),
        ecs=session.client("ecs", config=once),
        ssm=session.client("ssm", config=patient),
        cloudformation=(
            session.client("cloudformation", config=patient) if settings.endpoints_stack else None
        ),
    )
    return Controller(
        Environment(
            settings=settings, clients=clients, clock=time.time, pause=time.sleep, tell=_print_line
        )
    )


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _public(error: StarburstError) -> str:
    """Return the name of the error's nearest class that clients know."""
    from starburst import errors  # noqa: PLC0415 - the module, whose names are the contract

    return next(c.__name__ for c in type(error).__mro__ if c.__name__ in errors.__all__)

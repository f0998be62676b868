"""The Lambda's entry: tells requests, sweeps and ECS events apart, and refuses in data.

Configure ``starburst.controller.handler.handle``. The directory that contains ``starburst`` is
the whole asset: nothing outside the standard library and boto3 is imported.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config

from starburst.contract import SESSION_ID
from starburst.errors import StarburstError

from .actions import Actions
from .endpoints import Endpoints
from .fleet import parse
from .lifecycle import Lifecycle
from .sessions import Records
from .site import Clients, Settings, Site
from .sweep import sweep

__all__ = ["Controller", "handle"]

_LOG: Final = logging.getLogger(__name__)
_MARGIN_SECONDS: Final = 10
_REQUEST_SECONDS: Final = 25
_EVENT_FRESH_SECONDS: Final = 5
_MESSAGE_LENGTH: Final = 2000


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still take."""
        ...


class Controller:
    """One environment's controller: what stands behind :func:`handle`.

    Args:
        site: its settings, clients and clock.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._life = Lifecycle(site=site, records=Records(site), endpoints=Endpoints(site))
        self._actions = Actions(life=self._life)

    def handle(self, event: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """Answer one event within so many seconds."""
        if not isinstance(event, Mapping):
            event = {}
        until = self._site.clock() + max(0.0, seconds - _MARGIN_SECONDS)
        # CloudFormation tells that the endpoints moved: whoever waits for them is tended at once.
        if event.get("starburst") == "sweep" or event.get("source") == "aws.cloudformation":
            return {"ok": True, **sweep(self._life, until=until)}
        if event.get("source") == "aws.ecs":
            self._stopped(event, until=until)
            return {"ok": True}
        until = min(until, self._site.clock() + _REQUEST_SECONDS)
        try:
            return self._actions.perform(event, until=until)
        except StarburstError as error:
            message = str(error)[:_MESSAGE_LENGTH]
            _LOG.warning("refused: %s: %r", type(error).__name__, message)
            return {"ok": False, "error": {"type": _public(error), "message": message}}

    def _stopped(self, event: Mapping[str, Any], *, until: float) -> None:
        # Who may invoke the function may make up an event: it only says where to look.
        try:
            worker = parse(event["detail"])
        except (AttributeError, KeyError, TypeError, ValueError):
            _LOG.warning("ignored an event that ECS would not have sent")
            return
        # A worker that finished needs nothing; the sweep counts it. Hundreds may do so at once.
        if (worker.lost or worker.shortage) and SESSION_ID.fullmatch(worker.session):
            self._life.tend(worker.session, until=until, fresh=_EVENT_FRESH_SECONDS)


def handle(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one invocation: a client's request, the sweep's schedule, or an event of AWS."""
    return _controller().handle(event, seconds=context.get_remaining_time_in_millis() / 1000)


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
    return Controller(Site(settings=settings, clients=clients, clock=time.time, pause=time.sleep))


def _public(error: StarburstError) -> str:
    """Return the name of the error's nearest class that clients know."""
    from starburst import errors  # noqa: PLC0415 - the module, whose names are the contract

    return next(c.__name__ for c in type(error).__mro__ if c.__name__ in errors.__all__)

"""The queue that wakes the controller: what it owes to a session, and what ECS tells of workers.

People ask and are answered at once; what takes long is done by who receives the message. A message
may be lost, late or doubled: the sweep does within a minute whatever one would have done.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starburst.aws.calls import TROUBLE, words_of
from starburst.contract import SESSION_ID, TAMPERING
from starburst.controller.state.environment import Environment
from starburst.controller.workers.fleet import parse
from starburst.untrusted.strict_json import read_object

__all__ = ["sessions_of", "stopped_session", "wake"]

_LOG: Final = logging.getLogger(__name__)
_TEND: Final = "tend"


def wake(environment: Environment, session: str, *, after: int = 0) -> None:
    """Have another invocation go on with a session; where that fails, the sweep does.

    Args:
        environment: whose queue it is.
        session: its id.
        after: seconds from now, 900 at most.
    """
    try:
        environment.clients.sqs.send_message(
            QueueUrl=environment.settings.wakes,
            MessageBody=json.dumps({"starburst": _TEND, "session": session}),
            DelaySeconds=after,
        )
    except TROUBLE as error:
        _LOG.warning("session %s waits for the next sweep: %s", session, words_of(error))


def sessions_of(records: object) -> dict[str, list[str]]:
    """Return the sessions that messages are about, each with the ids of its messages.

    Args:
        records: as Lambda passes on what it received from the queue.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for record in records if isinstance(records, Sequence) else ():
        if not isinstance(record, Mapping):
            continue
        session = _session(record.get("body"))
        if session:
            found[session].append(str(record.get("messageId", "")))
    return dict(found)


def stopped_session(event: Mapping[str, Any]) -> str:
    """Return the session whose lost worker an event of ECS tells of; empty where it is none."""
    detail = event.get("detail")
    try:
        if not isinstance(detail, Mapping):
            raise ValueError("it has no detail")
        worker = parse(detail)
    except ValueError as error:
        _odd(str(error))
        return ""
    # A worker that finished needs nothing; the sweep counts it. Hundreds may do so at once.
    needed = worker.lost or worker.shortage is not None
    return worker.session if needed and SESSION_ID.fullmatch(worker.session) else ""


def _session(body: object) -> str:
    try:
        fields = read_object(body if isinstance(body, str) else "")
    except ValueError as error:
        _odd(str(error))
        return ""
    if fields.get("source") == "aws.ecs":
        return stopped_session(fields)
    session = fields.get("session")
    if fields.get("starburst") == _TEND and type(session) is str and SESSION_ID.fullmatch(session):
        return session
    _odd("it is neither a session nor a worker")
    return ""


def _odd(why: str) -> None:
    _LOG.warning("%s: ignored an event that ECS would not have sent: %r", TAMPERING, why[:200])

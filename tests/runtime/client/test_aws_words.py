"""What AWS says of clocks, keys and leases, in its own shapes, as our errors."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, NoCredentialsError

from starburst._client.access.aws_errors import aws_errors, waits_for
from starburst._client.access.connection import Connection
from starburst._client.access.patience import Patience, is_passing
from starburst._client.access.timings import Timings
from starburst.aws.calls import code_of, is_permanent
from starburst.errors import (
    AccessDenied,
    ConfigurationError,
    KeyUnavailable,
    SessionError,
    StarburstError,
)
from starburst.worker.leases.lease import Held, Leases
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened
from tests.runtime.wire import Scripted, json_error, no_queue, s3_error
from tests.runtime.worker.faults import squares
from tests.session_internals import queue_url

BEHIND = "Signature expired: 20261129T040000Z is now earlier than 20261129T041000Z (20261129T0"
AHEAD = "Signature not yet current: 20261129T050000Z is still later than 20261129T040500Z (2026"
WRONG = "The request signature we calculated does not match the signature you provided."
NOT_IN_FLIGHT = json_error(
    "sqs", "MessageNotInflight", query="AWS.SimpleQueueService.MessageNotInflight"
)
SLOW_CLOCK = json_error("kms", "InvalidSignatureException", said=BEHIND)
FAST_CLOCK = json_error("sqs", "InvalidSignatureException", said=AHEAD)
WRONG_SECRET = json_error("kms", "InvalidSignatureException", said=WRONG)
KEY_GOES = json_error("sqs", "KmsInvalidState", query="KMS.InvalidStateException")
KEY_IS_OFF = json_error("sqs", "KmsDisabled", query="KMS.DisabledException")
CUT_SHORT = IncompleteReadError(actual_bytes=7, expected_bytes=100)
KMS_REFUSES = json_error("sqs", "KmsAccessDenied", query="KMS.AccessDeniedException", said="User:")


@pytest.mark.parametrize(
    ("error", "kind", "said", "waits"),
    [
        (s3_error(403, "RequestTimeTooSkewed"), ConfigurationError, "clock", "clock is wrong"),
        (SLOW_CLOCK, ConfigurationError, "clock", "clock is wrong"),
        (FAST_CLOCK, ConfigurationError, "Set the clock", "clock is wrong"),
        (s3_error(403, "SignatureDoesNotMatch", WRONG), ConfigurationError, "secret", ""),
        (WRONG_SECRET, ConfigurationError, "secret", ""),
        (KMS_REFUSES, AccessDenied, "AWS refused", "refuses"),
        (json_error("kms", "AccessDeniedException"), AccessDenied, "AWS refused", "refuses"),
        (s3_error(403, "AccessDenied"), AccessDenied, "AWS refused", "refuses"),
        (KEY_GOES, KeyUnavailable, "not usable", ""),
        (KEY_IS_OFF, KeyUnavailable, "not usable", ""),
        (s3_error(400, "ExpiredToken"), AccessDenied, "Log in again", "log in again"),
        (json_error("kms", "ExpiredTokenException"), AccessDenied, "Log in again", "log in again"),
        (NoCredentialsError(), ConfigurationError, "Log in", "log in again"),
        (s3_error(409, "ConditionalRequestConflict"), SessionError, "Conflict", "busy"),
        (s3_error(503, "SlowDown"), SessionError, "SlowDown", "busy"),
        (s3_error(500, "InternalError"), SessionError, "InternalError", "busy"),
        (CUT_SHORT, ConfigurationError, "expected is 100", "no way to AWS"),
        (no_queue(), SessionError, "does not exist", "no queue yet"),
        (s3_error(400, "InvalidArgument"), SessionError, "InvalidArgument", ""),
    ],
    ids=lambda value: code_of(value) if isinstance(value, ClientError) else None,
)
def test_each_refusal_is_a_typed_error_and_says_whether_waiting_helps(
    error: Exception, kind: type[StarburstError], said: str, waits: str
) -> None:
    with pytest.raises(kind, match=said) as caught, aws_errors("store tasks"):
        raise error
    assert str(caught.value).startswith("cannot store tasks: ")
    found = waits_for(caught.value)
    assert waits in found
    assert bool(found) == bool(waits)


def test_patience_begins_anew_after_each_success_and_is_longest_for_a_login(
    connection: Connection,
) -> None:
    now = [0.0]
    told: list[str] = []
    renewing = dataclasses.replace(
        connection, renews=True, timings=Timings(trouble_seconds=10.0, login_seconds=100.0)
    )
    patience = Patience(renewing, told=told.append, clock=lambda: now[0])

    def met(error: Exception) -> StarburstError:
        with pytest.raises(StarburstError) as caught, aws_errors("look"):
            raise error
        return caught.value

    busy, ended = met(s3_error(503, "SlowDown")), met(s3_error(400, "ExpiredToken"))
    for at in (0.0, 9.0):
        now[0] = at
        patience.meet(busy)
    patience.over()
    for at in (11.0, 20.0):
        now[0] = at
        patience.meet(busy)
    patience.meet(ended)
    now[0] = 119.0
    patience.meet(ended)
    assert told == [*["AWS is busy"] * 2, "", *["AWS is busy"] * 2, *["log in again"] * 2]
    patience.meet(busy)  # the new login is there, and meets what is left of the other patience
    now[0] = 120.0
    with pytest.raises(SessionError):
        patience.meet(busy)
    patience.over()
    for at in (121.0, 220.0):
        now[0] = at
        patience.meet(ended)
    now[0] = 221.0
    with pytest.raises(AccessDenied):
        patience.meet(ended)
    assert is_passing(ended, renewing)
    hasty = dataclasses.replace(connection, timings=Timings(trouble_seconds=0.5))
    assert is_passing(busy, hasty)
    assert not is_passing(ended, dataclasses.replace(renewing, renews=False))
    assert not is_passing(met(s3_error(400, "InvalidArgument")), renewing)


@pytest.mark.parametrize(
    "error",
    [
        KMS_REFUSES,
        json_error("kms", "AccessDeniedException"),
        json_error("sqs", "AccessDeniedException"),
        SLOW_CLOCK,
        s3_error(403, "RequestTimeTooSkewed"),
        s3_error(409, "ConditionalRequestConflict"),
    ],
    ids=code_of,
)
def test_what_a_policy_a_clock_or_a_neighbour_mends_is_charged_to_no_task(
    error: ClientError,
) -> None:
    """Of 400s a worker takes most for the request's own fault, which counts as an attempt."""
    assert not is_permanent(error)


@pytest.mark.usefixtures("forked")
@pytest.mark.timings(first_pause_seconds=0.001)
def test_a_worker_whose_queue_key_is_refused_for_a_while_loses_no_task(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    calls = ("receive_message", "delete_message", "send_message_batch")
    errors = [KMS_REFUSES, KMS_REFUSES, None, KMS_REFUSES, None, KMS_REFUSES]
    sqs: Any = Scripted(fleet.sqs, *calls, errors=errors)
    dataclasses.replace(fleet, sqs=sqs).add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(4)
    assert not sqs.errors
    session.cleanup()


def test_a_lease_that_is_lost_is_let_go_quietly_by_the_code_that_sqs_gives(fleet: Fleet) -> None:
    url = fleet.sqs.create_queue(QueueName="one")["QueueUrl"]
    calls = ("change_message_visibility", "delete_message")
    sqs: Any = Scripted(fleet.sqs, *calls, errors=[NOT_IN_FLIGHT] * 2)
    leases = Leases(sqs, url, timings=fleet.timings)
    lease = Held(receipt="of a message that another has", deliveries=1)
    leases.give_back(lease)
    leases.done(lease)
    assert sqs.asked == 2
    assert lease.ended

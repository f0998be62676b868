"""A worker's start: from its variables and its session's manifest to one that runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import boto3
from botocore.exceptions import ClientError

from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.code.preparation import Preparation
from starburst._protocol.sealed.session_key import SessionKey
from starburst.aws.calls import DENIED, TROUBLE, client_config, code_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import (
    AccessDenied,
    IntegrityError,
    SessionError,
    StarburstError,
    VersionMismatch,
)
from starburst.worker.child.preparing import prepared
from starburst.worker.leases.lease import Leases
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.logs.log import log
from starburst.worker.objects.store import Store
from starburst.worker.settings.timings import Timings
from starburst.worker.settings.variables import Variables

from .supervisor import Supervisor

__all__ = ["allowed", "main"]

_T = TypeVar("_T")


def main() -> int:
    """Run one worker from its variables; 0 when its work is done, 1 when it cannot start."""
    try:
        supervisor = _supervisor(Variables.read(), Timings())
    except (StarburstError, *TROUBLE) as error:
        if isinstance(error, IntegrityError):
            report_unverified(error, object="manifest")
        log("cannot start", why=str(error), error=type(error).__name__)
        return 1
    signal.signal(signal.SIGTERM, supervisor.stop)
    try:
        supervisor.run()
    except SessionError as error:
        log("cannot go on", why=str(error))
        return 1
    return 0


def allowed(read: Callable[[], _T], *, timings: Timings, clock: Clock = SYSTEM_CLOCK) -> _T:
    """Read what a worker cannot start without; a policy may still be on its way to its role."""
    until = clock.monotonic() + timings.promised_seconds
    while True:
        try:
            return read()
        except (AccessDenied, ClientError) as error:
            denied = isinstance(error, AccessDenied) or code_of(error) in DENIED
            if not denied or clock.monotonic() >= until:
                raise
            log("refused", why=str(error))
        clock.sleep(timings.unseen_seconds)


def _supervisor(variables: Variables, timings: Timings) -> Supervisor:
    aws = boto3.session.Session()
    keys = variables.keys
    s3 = aws.client("s3", config=client_config())
    answer = allowed(
        lambda: s3.get_object(Bucket=variables.bucket, Key=keys.manifest), timings=timings
    )
    try:
        manifest = Manifest.from_json(answer["Body"].read())
    except ValueError as error:
        raise IntegrityError(f"the session's manifest cannot be read: {error}") from error
    if manifest.keys != keys:
        raise IntegrityError("the session's manifest names another session")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.python != python:
        raise VersionMismatch(
            f"the session was started from Python {manifest.python}; this worker image has "
            f"{python}. Use the same version, or build the image with yours"
        )
    kms = aws.client("kms", config=client_config())
    key = allowed(
        lambda: SessionKey.unwrap(kms, variables.key_arn, manifest, signing=False), timings=timings
    )
    sqs = aws.client("sqs", config=client_config())
    leases = Leases(sqs, variables.queue_url, timings=timings)
    store = Store(s3, variables.bucket, keys=keys, key=key.data, public=key.public, timings=timings)
    log("started", session=keys.session, worker=variables.worker, python=python)
    preparation = Preparation()
    if manifest.prepared:
        preparation = allowed(store.preparation, timings=timings)
    return Supervisor(
        manifest,
        leases,
        store=store,
        worker=variables.worker,
        timings=timings,
        start_child=prepared(manifest, preparation),
        preparation=preparation,
    )

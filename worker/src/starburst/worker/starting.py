"""A worker's start: from its variables and its session's manifest to one that runs."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import botocore.session
from botocore.config import Config
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
from starburst.worker.ending.aws_time import AwsTime
from starburst.worker.ending.lifetime import Lifetime
from starburst.worker.ending.watch import Watch
from starburst.worker.ending.word import Told
from starburst.worker.leases.lease import Leases
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.logs.log import log
from starburst.worker.objects.reading import Reader
from starburst.worker.objects.store import Store
from starburst.worker.packages.fetching import Wheels
from starburst.worker.packages.unpacked import NoPackages, Packages, Unpacked
from starburst.worker.printing.masking import Mask
from starburst.worker.printing.sealed_lines import SealedLines
from starburst.worker.settings.timings import Timings
from starburst.worker.settings.variables import Variables

from .supervisor import Supervisor

__all__ = ["STUCK", "allowed", "main"]

STUCK: Final = 124
"""Exit code of a worker that was to end itself and did not stop in time, as ``timeout``'s is."""

_BRIEF: Final = Config(
    connect_timeout=5, read_timeout=5, retries={"mode": "standard", "max_attempts": 1}
)
"""A look at the controller's word holds up no end."""

_T = TypeVar("_T")


def main() -> int:
    """Run one worker from its variables.

    Returns:
        0 when its work or its time is over, 1 when it cannot start or cannot go on. One that does
        not stop when its time is over ends with ``STUCK``.
    """
    try:
        supervisor, watch = _worker(Variables.read(), Timings())
    except (StarburstError, *TROUBLE) as error:
        if isinstance(error, IntegrityError):
            report_unverified(error, object="manifest")
        log("cannot start", why=str(error), error=type(error).__name__)
        return 1
    signal.signal(signal.SIGTERM, supervisor.stop)
    watch.start()
    try:
        supervisor.run()
    except SessionError as error:
        log("cannot go on", why=str(error))
        return 1
    finally:
        watch.close()
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


def _worker(variables: Variables, timings: Timings) -> tuple[Supervisor, Watch]:
    """Return a worker, and what watches over its end."""
    aws, time = botocore.session.Session(), AwsTime()  # boto3 around it takes long to import

    def client(service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - made as it runs
        made = aws.create_client(service, config=config or client_config())
        time.listen(made)
        return made

    keys = variables.keys
    s3 = client("s3")
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
    kms = client("kms")
    key = allowed(
        lambda: SessionKey.unwrap(kms, variables.key_arn, manifest, signing=False), timings=timings
    )
    sqs = client("sqs")
    leases = Leases(sqs, variables.queue_url, timings=timings)
    store = Store(s3, variables.bucket, keys=keys, key=key.data, public=key.public, timings=timings)
    log("started", session=keys.session, worker=variables.worker, python=python)
    preparation = Preparation()
    if manifest.prepared:
        preparation = allowed(store.preparation, timings=timings)
    packages: Packages = NoPackages()
    if manifest.packages is not None:
        reader = Reader(s3, variables.bucket, keys=keys, timings=timings)
        packages = Unpacked(Wheels(reader, manifest, timings=timings), manifest)
    printed = SealedLines(
        s3,
        variables.bucket,
        keys=keys,
        key=key.data,
        worker=variables.worker,
        seconds=timings.lines_seconds,
        copied=variables.copied,
    )
    supervisor = Supervisor(
        manifest,
        leases,
        store=store,
        worker=variables.worker,
        timings=timings,
        start_child=prepared(
            manifest,
            preparation,
            bucket=variables.bucket,
            packages=lambda: packages.folder,
            take=printed.lines.take,
            mask=Mask(variables.secrets),
        ),
        preparation=preparation,
        packages=packages,
        printed=printed,
    )
    looking = client("s3", client_config().merge(_BRIEF))
    watch = Watch(
        Lifetime(
            longest_seconds=variables.longest_seconds,
            deadline=variables.deadline,
            overdue_seconds=timings.overdue_seconds,
        ),
        time=time,
        look=Told(looking, variables.bucket, keys=keys).look,
        stop=_interrupt,
        kill=lambda: _end(supervisor),
        timings=timings,
    )
    return supervisor, watch


def _interrupt() -> None:
    """Send SIGTERM to the thread that works: what it waits for is interrupted."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _end(supervisor: Supervisor) -> None:
    """End the process of tasks and this one, whatever they are at."""
    child = supervisor.child.child
    if child is not None:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
    os._exit(STUCK)

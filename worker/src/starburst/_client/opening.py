"""Opening a session: its keys and manifest are made, and the controller starts its workers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.controller import Control, new_session_id
from starburst._client.ending.erase import erase
from starburst._client.ending.interrupts import say_that_it_goes_on
from starburst._client.tasks.functions import Functions
from starburst._functions.bundle import bundle
from starburst._functions.capturing import NOTHING, all_needs, needs_of
from starburst._functions.ordinary.streams import MAX_SEED
from starburst._packages.uses import installed_version
from starburst._protocol.manifest import Manifest
from starburst._protocol.packages import package_list_key
from starburst._protocol.sealed.code.preparation import Preparation, preparation_key
from starburst._protocol.sealed.session_key import SessionKey
from starburst.aws.calls import TAKEN, code_of
from starburst.aws.write_once import write_once
from starburst.errors import AccessDenied, SessionError, SessionNotFound, StarburstError

from .options import SessionOptions
from .packages.bringing import Packages, Work, bring
from .preparing import pickled_call
from .session import Session
from .session_core import SessionCore

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._protocol.packages import PackageList
    from starburst.contract import SessionKeys

__all__ = ["Brought", "SessionTaken", "bring_for", "open_core", "open_session"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """What is ready before a session is there, and goes to its workers.

    Attributes:
        packages: those that workers get.
        call: the pickles of the initializer and of its arguments; None for none.
        begins_with: names of own modules that it needs.
    """

    packages: Packages
    call: tuple[bytes, bytes] | None
    begins_with: frozenset[str]


class SessionTaken(SessionError):
    """Another has begun a session under the id that this one was to have."""


def open_core(
    connection: Connection,
    options: SessionOptions,
    *,
    tasks: int | None = None,
    progress: bool | None = None,
    work: Work | None = None,
    session: str | None = None,
    brought: Brought | None = None,
    labels: Callable[[bytes], Mapping[str, str]] = lambda _: {},
) -> SessionCore:
    """Write the manifest, have the controller start the workers, and return the session's parts.

    Args:
        connection: where.
        options: how.
        tasks: how many there will be, if that is known: no more workers are asked for.
        progress: draw a bar; None for only where a person watches.
        work: what runs first; None where that is not known yet.
        session: its id, for who must find it again without having kept it; None for a fresh one.
        brought: what workers get, where that was brought already.
        labels: given the session's key, more labels of the session.

    Raises:
        SessionTaken: there is one of that id.
        AccessDenied: the connection is a steward's.
        ConfigurationError: what ``include`` names is not there, or may not travel.
        PackagesRefused: packages may not travel, or cannot, or workers would lack some.
        LimitExceeded: the workspace does not grant what was asked for, or there is no room for it.
        SessionsFrozen: no new session may start for now.
        ImageRefused: the worker image has a finding that nobody waived.
        UnpicklableInput: the initializer, or an argument of it, cannot travel.
        VersionMismatch: this Python is not the worker image's, or a library is not.
    """
    if connection.steward:
        raise AccessDenied(
            f"a steward has no sessions: {connection.user} acts as steward of "
            f"{connection.workspace}. Connect without steward=True, in AWS as an analyst"
        )
    python = options.check_python(connection.document)
    options.check_offer(connection.document)
    if brought is None:
        brought = bring_for(connection, options, work, progress=progress)
    packages, call = brought.packages, brought.call
    keys = connection.keys(session or new_session_id())
    with aws_errors("make the session's keys"):
        key = SessionKey.create(connection.kms, connection.document.key_arn, keys=keys)
    timeout = options.session_timeout or connection.limits.timeout_seconds
    manifest = Manifest(
        workspace=keys.workspace,
        user=keys.user,
        session=keys.session,
        workers=options.worker_count(connection.limits, tasks=tasks, local=connection.local),
        cpu=options.cpu,
        memory_gb=options.memory_gb,
        timeout_seconds=timeout,
        idle_seconds=options.idle_timeout,
        max_usd=options.max_usd,
        task_timeout_seconds=options.timeout,
        retries=options.retries,
        retry_on=options.retry_names,
        attempts=options.attempts,
        results=options.results,
        capacity=options.capacity,
        architecture=options.machine,
        scratch_gb=options.scratch_gb,
        created=time.time(),
        python=python,
        public_key=key.public_key,
        data_key=key.wrapped_data,
        signing_key=key.wrapped_signing,
        labels={**options.labels, **labels(key.data)},
        seed=secrets.randbelow(MAX_SEED + 1) if options.seed is None else options.seed,
        prepared=bool(options.env or call),
        wait_seconds=options.wait or None,
        packages=None if packages.sent is None else packages.sent.digest,
        starburst=installed_version("starburst"),
    )
    manifest = key.sign(manifest)
    _store(connection, keys, manifest)
    control = Control(connection, keys)
    try:
        if packages.sent is not None:
            _list(connection, keys, packages.sent)
        if manifest.prepared:
            _prepare(connection, keys, key=key, options=options, call=call)
        queue_url = control.start()
    except BaseException as error:
        error.add_note(_undo(connection, keys, control=control))
        raise
    core = SessionCore(
        connection,
        manifest,
        key=key,
        queue_url=queue_url,
        progress=progress,
        include=options.included,
        begins_with=brought.begins_with,
        worker=packages.worker,
    )
    core.wait_for_room()
    return core


def bring_for(
    connection: Connection,
    options: SessionOptions,
    work: Work | None,
    *,
    progress: bool | None = None,
) -> Brought:
    """Pickle the initializer, and have what a session needs of packages in the workspace's bucket.

    Raises:
        ConfigurationError: what ``include`` names is not there, or may not travel.
        PackagesRefused: packages may not travel, or cannot, or workers would lack some.
        UnpicklableInput: the initializer, or an argument of it, cannot travel.
        VersionMismatch: workers would have a library in another version.
    """
    call = pickled_call(options.initializer, options.initargs)
    begins_with = NOTHING if call is None else all_needs(call)
    bundle(begins_with, options.included)
    packages = bring(
        connection,
        options.packages,
        None if work is None else work | Work.of(call or ()),
        machine=options.machine,
        progress=progress,
    )
    return Brought(packages=packages, call=call, begins_with=begins_with)


def open_session(
    connection: Connection, options: SessionOptions, *, progress: bool | None = None
) -> Session:
    """Do as :func:`open_core` does; return the session as its user sees it."""
    return Session(open_core(connection, options, progress=progress))


def _store(connection: Connection, keys: SessionKeys, manifest: Manifest) -> None:
    """Store what is asked for: whose manifest is there first, theirs is the session."""
    with aws_errors("store the session's manifest"):
        try:
            write_once(
                connection.s3, connection.document.bucket, keys.manifest, body=manifest.to_json()
            )
        except ClientError as error:
            if code_of(error) not in TAKEN:
                raise
            raise SessionTaken(
                f"there is a session {keys.session} already: starburst.attach({keys.session!r}) "
                "finds it"
            ) from error


def _list(connection: Connection, keys: SessionKeys, sent: PackageList) -> None:
    """Store what the workers unpack first; its hash stands in the signed manifest."""
    with aws_errors("store the list of packages"):
        write_once(
            connection.s3,
            connection.document.bucket,
            package_list_key(keys),
            body=sent.to_json(),
        )


def _prepare(
    connection: Connection,
    keys: SessionKeys,
    *,
    key: SessionKey,
    options: SessionOptions,
    call: tuple[bytes, bytes] | None,
) -> None:
    """Store what each process of the workers begins with."""
    signer = key.signing
    if signer is None:
        raise SessionError("a client's session needs the signing key")
    preparation = Preparation(variables=dict(options.env or {}))
    if call is not None:
        # A function as every other of the session, so that what it needs comes with it.
        functions = Functions(connection, keys, key=key, signer=signer, include=options.included)
        name = functions.name(call[0], needs_of(call[1]))
        preparation = replace(preparation, function=name, arguments=call[1])
    sealed = preparation.seal(session=keys.session, key=key.data, signer=signer)
    with aws_errors("store what the workers begin with"):
        write_once(connection.s3, connection.document.bucket, preparation_key(keys), body=sealed)


def _undo(connection: Connection, keys: SessionKeys, *, control: Control) -> str:
    """End a session whose start failed: workers may be on their way, whatever became of the answer.

    The controller knows none that it refused. All there is of such a one is its manifest, for which
    it would be listed as starting until that expires.

    Returns:
        what became of it, for who sees the failure.
    """
    try:
        with say_that_it_goes_on(keys.session):
            try:
                control.stop()
            except SessionNotFound:
                erase(connection, keys)
    except StarburstError:
        return (
            f"session {keys.session} may have begun, and could not be stopped: "
            f"`starburst stop {keys.session} --erase` does so"
        )
    return f"session {keys.session} was stopped before it began"

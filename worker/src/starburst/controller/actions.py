"""What a client may ask for, and the proof that it may: start, refresh, stop, extend, totals.

The proof is an S3 object: a request, which only its user can write below ``<workspace>/<user>/``.
Its name is chance, so no one else can have it read either. A manifest says what a session is to be
and proves nothing about who asks. Asking twice does nothing twice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst._protocol.manifest import Manifest
from starburst.aws.calls import DENIED, MISSING, code_of, words_of
from starburst.contract import (
    PROTOCOL,
    SessionKeys,
    WorkspaceDocument,
    speaks_protocol,
    task_family,
)
from starburst.contract.times import UNASKED_SECONDS
from starburst.controller.state.sessions import Record, concluded
from starburst.controller.totals.telling import told_analyst
from starburst.errors import (
    AccessDenied,
    ConfigurationError,
    LimitExceeded,
    SessionEnded,
    SessionNotFound,
    VersionMismatch,
    WorkspaceNotFound,
)
from starburst.untrusted.strict_json import read_object

from .images import judge_image
from .launches import begin_launch
from .lifecycle import Lifecycle
from .limits import judge, refuse
from .wakes import wake
from .workers import queue
from .workers.observing import is_throttled

__all__ = ["MAX_MANIFEST_BYTES", "Actions"]

_LOG: Final = logging.getLogger(__name__)

MAX_MANIFEST_BYTES: Final = 65_536
_MAX_REQUEST_BYTES: Final = 4096
_FRESH_SECONDS: Final = 2
_REFRESH_SECONDS: Final = 5
_ASKED_SECONDS: Final = UNASKED_SECONDS / 4
_ACTIONS: Final = ("start", "refresh", "stop", "extend", "totals")
_REQUEST_NAME: Final = re.compile(r"requests/[A-Za-z0-9_-]{1,64}\.json")

Answer = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actions:
    """The requests of clients, each judged before anything is done.

    Attributes:
        life: what acts on sessions.
    """

    life: Lifecycle

    def perform(self, payload: Mapping[str, Any], *, until: float) -> Answer:
        """Do what a payload asks and return the answer; raise a typed error to refuse."""
        if not speaks_protocol(payload.get("protocol")):
            raise VersionMismatch(
                f"this controller speaks protocol {PROTOCOL}, the request "
                f"{payload.get('protocol')!r:.80}; install the client of this environment's release"
            )
        action = payload.get("action")
        if action not in _ACTIONS:
            raise ConfigurationError(
                f"there is no action {action!r:.80}; there are {', '.join(_ACTIONS)}"
            )
        keys, body = self._request(payload.get("key"), action)
        match action:
            case "start":
                return self._start(keys, until=until)
            case "refresh":
                return self._refresh(keys, until=until)
            case "stop":
                return self._stop(keys)
            case "totals":
                return self._totals(keys)
            case _:
                return self._extend(keys, body.get("deadline"), until=until)

    def _start(self, keys: SessionKeys, *, until: float) -> Answer:
        """Have room for it, note what is to be launched; who is woken launches it, however much."""
        environment, records = self.life.environment, self.life.records
        stored, doubt = records.active(keys.session), ""
        if stored is None:
            asked = self._accepted(keys)
            doubt = judge_image(environment, asked.task_definition, workspace=keys.workspace)
            accepted = self.life.keeper.reserve(asked, until=until)
            stored = records.create(accepted) or records.active(keys.session)
        record = _open(stored.record if stored else None, keys)
        if record.queue_url:
            return _started(record, doubt)
        workspace = self._workspace(keys)
        if not record.waits_until:
            self.life.endpoints.claim(keys.session)
        url = queue.create(environment, keys, worker_role_arn=workspace.worker_role_arn)
        mine = False

        def begin(newest: Record) -> Record:
            nonlocal mine
            mine = not newest.queue_url and not newest.final
            if not mine:
                return newest
            ready = replace(newest, queue_url=url)
            return begin_launch(ready, newest.workers, now=environment.clock(), until=0)

        saved = records.update(keys.session, begin)
        if saved is None or saved.record.final:
            queue.delete(environment, url)
        record = _open(saved.record if saved else None, keys)
        if mine:
            wake(environment, keys.session)
            self.life.show(record)
        return _started(record, doubt)

    def _refresh(self, keys: SessionKeys, *, until: float) -> Answer:
        stored = self.life.records.active(keys.session)
        if stored is None:
            # Its last status stands; one that was erased is not written again.
            self._ended(keys)
            return {"ok": True}
        record = _same(stored.record, keys)
        now = self.life.environment.clock()
        if record.waits_until and now - record.asked >= _ASKED_SECONDS:
            self.life.records.update(keys.session, lambda r: replace(r, asked=now))
        # Who asks how it stands waits for no launch of hundreds.
        soon = min(until, now + _REFRESH_SECONDS)
        try:
            self.life.tend(keys.session, until=soon, fresh=_FRESH_SECONDS)
        except ClientError as error:
            if not is_throttled(error):
                raise
            # Its last status stands; the sweep asks ECS again within a minute.
            _LOG.warning("session %s is not looked at: %s", keys.session, words_of(error))
        return {"ok": True}

    def _stop(self, keys: SessionKeys) -> Answer:
        """End the session, so that it takes no work; who is woken stops its workers."""

        def end(record: Record) -> Record:
            return concluded(_same(record, keys), state="ended", reason="stopped by its user")

        saved = self.life.records.update(keys.session, end)
        if saved is None:
            self._ended(keys)
            return {"ok": True}
        self.life.delete_queue(saved.record)
        self.life.show(saved.record)
        wake(self.life.environment, keys.session)
        return {"ok": True}

    def _extend(self, keys: SessionKeys, deadline: object, *, until: float) -> Answer:
        if type(deadline) not in (int, float):
            raise ConfigurationError(f"deadline is {deadline!r:.80}; it must be seconds since 1970")
        wanted = float(deadline)  # type: ignore[arg-type]
        most = self._workspace(keys).limits.timeout_seconds
        most = min(most, int(self.life.environment.settings.session_days * 86_400))

        def later(record: Record) -> Record:
            if _open(record, keys).waits_until:
                raise LimitExceeded(
                    f"session {keys.session} waits for room, and its time has not begun: extend it "
                    "once its workers start"
                )
            latest = record.started + most
            if wanted > latest:
                raise LimitExceeded(
                    f"the session would last {wanted - record.started:.0f} s from its start, the "
                    f"limit of workspace {keys.workspace} is {most} s: ask for at most "
                    f"{max(0, latest - self.life.environment.clock()):.0f} s from now, or start "
                    "another session"
                )
            # A request that is repeated late must not take back a longer extension.
            return replace(record, deadline=max(record.deadline, wanted))

        stored = self.life.records.active(keys.session)
        if stored is not None and later(stored.record) != stored.record:
            self.life.keeper.extend(stored.record, wanted, until=until)
        saved = self.life.records.update(keys.session, later)
        if saved is None:
            self._ended(keys)
            raise SessionEnded(f"session {keys.session} has ended; start a new one")
        self.life.show(saved.record)
        return {"ok": True, "deadline": saved.record.deadline}

    def _totals(self, keys: SessionKeys) -> Answer:
        """Tell who holds what; whose folder the request lies in tells who asks, of no session."""
        environment = self.life.environment
        self._workspace(keys)
        now, book = environment.clock(), self.life.keeper.read()
        told = told_analyst(
            book, environment.document(), workspace=keys.workspace, user=keys.user, now=now
        )
        return {"ok": True, **told}

    def _ended(self, keys: SessionKeys) -> None:
        """Raise where there never was such a session of this user's."""
        ended = self.life.records.ended(keys.session)
        if ended is None:
            raise _not_found(keys)
        _same(ended.record, keys)

    def _accepted(self, keys: SessionKeys) -> Record:
        """Read the manifest, judge it, and return the record of the session that it asks for."""
        environment = self.life.environment
        document = environment.document(naming=keys.workspace)
        ended = self.life.records.ended(keys.session)
        if ended is not None:
            _same(ended.record, keys)
            raise SessionEnded(f"session {keys.session} has ended; start a new one")
        text, written = self._read(keys.manifest, keys, most=MAX_MANIFEST_BYTES)
        try:
            manifest = Manifest.from_json(text)
        except ValueError as error:
            raise ConfigurationError(f"the manifest cannot be read: {error}") from error
        if manifest.keys != keys:
            raise AccessDenied(
                f"the manifest at {keys.manifest} names {manifest.workspace}/{manifest.user}/"
                f"{manifest.session}; a session starts only from its own manifest"
            )
        now = environment.clock()
        if now - written > environment.timings.request_seconds:
            raise SessionEnded(
                f"the manifest of session {keys.session} is more than a day old and was never "
                "started; start a new session"
            )
        refuse(judge(manifest, document, prices=environment.prices()))
        workspace = self._workspace(keys)
        architecture = manifest.architecture or document.architecture
        return Record(
            workspace=keys.workspace,
            user=keys.user,
            session=keys.session,
            workers=manifest.workers,
            cpu=manifest.cpu,
            memory_gb=manifest.memory_gb,
            scratch_gb=manifest.scratch_gb or workspace.scratch_gb,
            architecture=architecture,
            hosted=document.hosts is not None,
            capacity=manifest.capacity,
            idle_seconds=manifest.idle_seconds,
            max_usd=manifest.max_usd,
            task_definition=(
                workspace.task_definition
                if architecture == document.architecture
                else task_family(document.environment, keys.workspace, architecture)
            ),
            started=now,
            listed=now,
            asked=now,
            waits_until=now + manifest.wait_seconds if manifest.wait_seconds else 0,
            deadline=now
            + min(manifest.timeout_seconds, environment.settings.session_days * 86_400),
        )

    def _workspace(self, keys: SessionKeys) -> WorkspaceDocument:
        workspace = self.life.environment.workspace(keys.workspace)
        if workspace is None:
            raise WorkspaceNotFound(f"this environment has no workspace {keys.workspace!r}")
        if not workspace.worker_role_arn:
            raise ConfigurationError(
                f"the runtime document lacks the worker role of workspace {keys.workspace}; "
                "the platform team must deploy this release's stacks"
            )
        return workspace

    def _request(self, key: object, action: str) -> tuple[SessionKeys, dict[str, Any]]:
        keys = SessionKeys.parse(key) if isinstance(key, str) else None
        if (
            keys is None
            or not isinstance(key, str)
            or not _REQUEST_NAME.fullmatch(key.removeprefix(keys.prefix))
        ):
            raise AccessDenied(
                f"{key!r:.300} is no key of a request; {action} is asked for by an object that the "
                "session's user wrote. The client of this environment's release writes it"
            )
        text, written = self._read(key, keys, most=_MAX_REQUEST_BYTES)
        try:
            body = read_object(text)
        except ValueError as error:
            raise ConfigurationError(f"the request at {key} cannot be read: {error}") from error
        if not speaks_protocol(body.get("protocol")) or body.get("action") != action:
            raise AccessDenied(f"the request at {key} does not ask for {action}")
        if self.life.environment.clock() - written > self.life.environment.timings.request_seconds:
            raise AccessDenied(f"the request at {key} is more than a day old; ask anew")
        return keys, body

    def _read(self, key: str, keys: SessionKeys, *, most: int) -> tuple[bytes, float]:
        environment = self.life.environment
        try:
            answer = environment.clients.s3.get_object(Bucket=environment.settings.bucket, Key=key)
        except ClientError as error:
            if code_of(error) in MISSING:
                raise _not_found(keys) from error
            if code_of(error) in DENIED:
                # It may not list the key to find out, and who is told that there is no session may
                # erase what is left of it.
                raise AccessDenied(
                    f"S3 refuses the controller {key}: it is not there, or a policy is on its way "
                    "to the controller's role. Ask again in a minute"
                ) from error
            raise
        if answer["ContentLength"] > most:
            answer["Body"].close()
            raise LimitExceeded(
                f"{key} has {answer['ContentLength']} bytes, the limit is {most}: "
                "shorten its labels"
            )
        return answer["Body"].read(most + 1), answer["LastModified"].timestamp()


def _same(record: Record, keys: SessionKeys) -> Record:
    # Ids are 20 characters of chance; another user's record under the same one is an attack.
    if record.keys != keys:
        raise AccessDenied(f"session {keys.session} belongs to another user or workspace")
    return record


def _open(record: Record | None, keys: SessionKeys) -> Record:
    if record is None or _same(record, keys).state == "ended":
        raise SessionEnded(f"session {keys.session} has ended; start a new one")
    if record.state == "failed":
        raise SessionEnded(f"session {keys.session} failed: {record.reason}. Start a new one")
    return record


def _started(record: Record, doubt: str) -> Answer:
    warned = {"warning": doubt} if doubt else {}
    return {"ok": True, "queue_url": record.queue_url, "deadline": record.deadline, **warned}


def _not_found(keys: SessionKeys) -> SessionNotFound:
    return SessionNotFound(
        f"user {keys.user} has no session {keys.session} in workspace {keys.workspace}"
    )

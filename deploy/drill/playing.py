"""One incident from the burst to the way back: attacked, ended by one command, judged, undone."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import starburst
from deploy.drill.burst import Burst, begin, contents, prefixes
from deploy.drill.evidence import all_held, locked, records, rung, versions, worker_lines
from deploy.drill.incidents import FOREIGN, Attack, Incident
from deploy.drill.judging import Outcome
from deploy.drill.stage import WORKSPACE, Stage
from deploy.drill.terminal import Ran
from deploy.drill.watching import PATIENCE, Running, is_refused, open_doors, watch
from deploy.incident.command import IncidentError, Scope
from deploy.incident.isolate import look
from starburst.contract import TAMPERING
from starburst.errors import StarburstError

__all__ = ["play"]

_PAUSE: Final = 0.05


def play(stage: Stage, incident: Incident, *, patience: float = PATIENCE) -> Outcome:
    """Play one incident, and leave the environment as it was.

    Args:
        stage: where.
        incident: which.
        patience: seconds that workers may take to leave after the command.

    Raises:
        IncidentError: the attack did not get as far as it must, so its end would prove nothing.
    """
    burst = begin(stage, incident.user)
    try:
        return _played(stage, incident, burst, patience=patience)
    finally:
        _clear(stage, burst)


def _played(stage: Stage, incident: Incident, burst: Burst, *, patience: float) -> Outcome:
    about = stage.scope(incident.user if incident.alone else None)
    objects, network = contents(stage, incident.user), _network(stage, about)
    before = _next_second()
    attack = incident.play(stage, burst, endless=incident.endless)
    running = Running(stage, about)
    ran_before = running()
    _require_under_way(incident, attack, ran_before)
    there, recorded = versions(stage, prefixes(incident.user)), records(stage)
    try:
        with ThreadPoolExecutor(1) as pool:
            words = [*incident.words, "--reason", "drill", "--apply"]
            command = pool.submit(stage.terminal, stage.responder, "deploy.contain", words)
            over = watch(running, attack.doors, done=command.done, patience=patience)
        ran = command.result()
        new_session = not is_refused(attack.start)
        kept = {
            **attack.recorded,
            **_records_kept(stage, incident, records(stage) - recorded, ran=ran_before),
            f"all {len(there)} versions of the user's objects are on hold": all_held(stage, there),
        }
        if incident.isolates:
            group = look(about, stage.root)
            kept["the workers' group lets nothing through"] = not (group.egress or group.ingress)
        if incident.rings:
            kept |= _heard(stage, before)
        back = _restored(stage, incident.user, before)
    finally:
        release = [*incident.words, "--undo", "--apply"]
        released = stage.terminal(stage.responder, "deploy.contain", release)
    differing = [
        *(f"{one.words} ended with exit code {one.code}" for one in (back, released) if one.code),
        *_differing(objects, contents(stage, incident.user)),
        *(["the network's rules"] if _network(stage, about) != network else []),
    ]
    # A result that is not there would be waited for.
    differing = differing or list(_unread(burst))
    return Outcome(
        incident=incident.name,
        command=ran.words,
        code=ran.code,
        seconds=ran.seconds,
        over=over,
        new_session=new_session,
        evidence=kept,
        differing=differing,
        told=attack.told,
        transcript="\n".join(f"$ {one.words}\n{one.text}" for one in (ran, back, released)),
    )


def _require_under_way(incident: Incident, attack: Attack, ran: frozenset[str]) -> None:
    closed = attack.doors.keys() - set(open_doors(attack.doors))
    if closed or not ran:
        raise IncidentError(
            f"{incident.name} got not far enough to prove anything: "
            + (f"{', '.join(sorted(closed))} reads nothing" if closed else "no worker runs")
        )


def _records_kept(
    stage: Stage, incident: Incident, new: frozenset[str], *, ran: frozenset[str]
) -> Mapping[str, bool]:
    """Return whether each command that acted has locked a record, and what ran is in it."""
    by = {key.rpartition("/")[2].split("-")[1]: key for key in new}
    acted = ["contain", "hold", *(["isolate"] if incident.isolates else [])]
    named = set[str]()
    if "contain" in by:
        record: dict[str, Any] = json.loads(locked(stage, by["contain"]))
        named = {task["taskArn"] for task in record["tasks"] or ()}
    return {
        **{f"the record of {each}, locked": each in by for each in acted},
        f"what ran ({len(ran)} workers), in that of contain": ran <= named,
    }


def _heard(stage: Stage, since: datetime) -> Mapping[str, bool]:
    """Return whether the logs tell of it, to whom asks and by an alarm."""
    words = ["--environment", "local", "--workspace", WORKSPACE, "--hours", "1"]
    asked = stage.terminal(stage.watcher, "deploy.events", words)
    alarms = rung(worker_lines(stage, since))
    return {
        "deploy.events finds what failed verification": TAMPERING in asked.text,
        "the alarm Tampering rings": any(one.startswith("WatchTampering") for one in alarms),
    }


def _restored(stage: Stage, user: str, at: datetime) -> Ran:
    words = ["--environment", "local", "--workspace", WORKSPACE, "--user", user]
    return stage.terminal(
        stage.restorer, "deploy.restore", [*words, "--at", at.isoformat(), "--apply"]
    )


def _differing(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield the objects that are not what they were; what came later may be there as well."""
    return (key for key, digest in was.items() if now.get(key) != digest)


def _unread(burst: Burst) -> Iterator[str]:
    """Yield it where the analyst does not read the same results as before."""
    try:
        same = burst.again()[: len(burst.values)] == burst.values
    except (StarburstError, TimeoutError) as error:
        yield f"the analyst cannot read the results: {error}"
    else:
        if not same:
            yield "the analyst reads other results"


def _network(stage: Stage, about: Scope) -> str:
    """Return the network's rules, in an order of their own."""
    found = asdict(look(about, stage.root))
    for name in ("egress", "ingress"):
        found[name] = sorted(json.dumps(rule, sort_keys=True) for rule in found[name])
    return json.dumps(found, sort_keys=True)


def _next_second() -> datetime:
    """Return a moment after which a second has begun: S3 tells when versions came by seconds."""
    moment = datetime.now(UTC)
    while time.time() < math.floor(moment.timestamp()) + 1:
        time.sleep(_PAUSE)
    return moment


def _clear(stage: Stage, burst: Burst) -> None:
    """End what the drill began, and erase it: the environment may serve others as well."""
    with contextlib.suppress(StarburstError):
        burst.session.detach()
    for one in starburst.sessions(burst.connection):
        with contextlib.suppress(StarburstError):
            starburst.attach(one.id, burst.connection, progress=False).cleanup(force=True)
    s3 = stage.root("s3")
    places = [(stage.bucket, prefix) for prefix in prefixes(burst.connection.user)]
    foreign = [
        one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith(FOREIGN)
    ]
    for bucket, prefix in (*places, *((name, "") for name in foreign)):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    for name in foreign:
        s3.delete_bucket(Bucket=name)

"""No name that an attacker chose keeps anything from being erased, held, found or collected."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import deploy.incident.erase
import deploy.incident.hold
import deploy.incident.restore
from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session, list_sessions
from starburst.cli import main
from starburst.contract import SessionKeys
from starburst.errors import SessionError
from tests.attacks.hostile import NAMES, client_error, forbidden, names_as_on_aws
from tests.incident.environments import BUCKET, Parameters, Trail, make_audit
from tests.incident.test_versions import ALICE, BOB, HERS, ROLES, SESSION, names
from tests.quick_moto import quick_aws, quick_client
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.fleet import BUCKET as DATA
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened, work

__all__ = ["connection", "fleet", "forked", "sdk"]

Clients = dict[str, Any]


@pytest.fixture(autouse=True)
def as_on_aws() -> Iterator[None]:
    with names_as_on_aws():
        yield


def hostile(s3: Any, bucket: str, prefix: str) -> None:
    """Write what a worker may write, each name twice: an old version and a newer one."""
    for name in NAMES:
        for body in (b"old", b"newer"):
            s3.put_object(Bucket=bucket, Key=f"{prefix}results/{name}", Body=body)


def left(s3: Any, bucket: str, prefix: str = "") -> list[str]:
    page = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))]


# The analyst's own doors.


def test_a_session_is_erased_whatever_its_objects_are_called(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    hostile(fleet.s3, DATA, session.manifest.keys.prefix)
    session.cleanup(force=True)
    assert left(fleet.s3, DATA) == []


def test_stop_erase_erases_it_as_well(
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    session = opened(connection, fleet)
    hostile(fleet.s3, DATA, session.manifest.keys.prefix)
    session.detach()
    assert main(["stop", "--erase", session.id]) == 0
    assert left(fleet.s3, DATA) == []
    assert not forbidden(capsys.readouterr().out)


class Keeps:
    """An S3 that deletes everything but one object, whichever way it is asked."""

    def __init__(self, s3: Any, kept: str) -> None:
        self._s3, self._kept = s3, kept
        self.batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:
        self.batches += 1
        wanted = [each for each in Delete["Objects"] if self._kept not in each["Key"]]
        mine = [each for each in Delete["Objects"] if self._kept in each["Key"]]
        answer = self._s3.delete_objects(Bucket=Bucket, Delete={"Objects": wanted, "Quiet": True})
        errors = [{**each, "Code": "AccessDenied", "Message": "\x1b[1mlocked"} for each in mine]
        return {**answer, "Errors": errors}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> Any:
        if self._kept in Key:
            raise client_error("AccessDenied", "\x1b[1mlocked")
        return self._s3.delete_object(Bucket=Bucket, Key=Key, VersionId=VersionId)


@pytest.mark.parametrize("kept", ["\x1b", "trailing.."])
def test_what_stays_is_told_by_name_and_reason_after_the_rest_is_gone(
    connection: Connection, fleet: Fleet, kept: str
) -> None:
    session = opened(connection, fleet)
    hostile(fleet.s3, DATA, session.manifest.keys.prefix)
    session.detach()
    strict: Any = Keeps(fleet.s3, kept)
    again = attach_session(
        dataclasses.replace(connection, s3=strict), session.id, progress=False, count_only=True
    )
    with pytest.raises(SessionError, match=r"2 objects .* could not be erased") as caught:
        again.cleanup(force=True)
    assert len(left(fleet.s3, DATA)) == 2
    said = str(caught.value)
    assert ("p\\x1b[31mX" if kept == "\x1b" else kept) in said
    assert "locked" in said
    assert not forbidden(said)


class Refuses(Keeps):
    """An S3 that refuses every batch in which a name stands, as AWS does for a malformed one."""

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:
        if any(self._kept in each["Key"] for each in Delete["Objects"]):
            raise client_error("MalformedXML", "The XML you provided was not well-formed")
        return self._s3.delete_objects(Bucket=Bucket, Delete=Delete)

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> Any:
        return self._s3.delete_object(Bucket=Bucket, Key=Key, VersionId=VersionId)


def test_a_batch_that_s3_refuses_for_a_name_is_gone_through_one_by_one(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    hostile(fleet.s3, DATA, session.manifest.keys.prefix)
    session.detach()
    strict: Any = Refuses(fleet.s3, "trailing..")
    attach_session(
        dataclasses.replace(connection, s3=strict), session.id, progress=False, count_only=True
    ).cleanup(force=True)
    assert left(fleet.s3, DATA) == []


class Pretends(Keeps):
    """An S3 that says it deleted what it goes on to list: it read another name than it was told."""

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:
        wanted = [each for each in Delete["Objects"] if self._kept not in each["Key"]]
        if not wanted:
            return {}
        return self._s3.delete_objects(Bucket=Bucket, Delete={"Objects": wanted})

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> Any:
        if self._kept in Key:
            return {}
        return self._s3.delete_object(Bucket=Bucket, Key=Key, VersionId=VersionId)


def test_what_is_listed_still_after_it_was_deleted_ends_in_an_error_and_not_in_a_loop(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    hostile(fleet.s3, DATA, session.manifest.keys.prefix)
    session.detach()
    strict: Any = Pretends(fleet.s3, "trailing..")
    again = attach_session(
        dataclasses.replace(connection, s3=strict), session.id, progress=False, count_only=True
    )
    with pytest.raises(SessionError, match="listed still"):
        again.cleanup(force=True)
    assert len(left(fleet.s3, DATA)) == 2


class ShortPages:
    """An S3 that lists one object a page."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def list_objects_v2(self, **words: Any) -> Any:
        return self._s3.list_objects_v2(**{**words, "MaxKeys": 1})


def test_names_that_are_no_results_keep_no_result_from_its_reader(
    connection: Connection, fleet: Fleet, forked: None
) -> None:
    """Each page ends in such a name, and the next begins after it."""
    s3: Any = ShortPages(fleet.s3)
    session = opened(dataclasses.replace(connection, s3=s3), fleet)
    keys = session.manifest.keys
    hostile(fleet.s3, DATA, keys.prefix)
    for name in NAMES:
        fleet.s3.put_object(Bucket=DATA, Key=f"{keys.results}p000001-00000/{name}", Body=b"x")
    work(fleet, session)
    assert session.collect(timeout=60) == [0, 1, 4, 9]
    session.cleanup(force=True)
    assert left(fleet.s3, DATA) == []


def test_folders_that_are_no_sessions_keep_no_session_from_being_found(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    keys = session.manifest.keys
    for name in NAMES:
        for place in (f"sessions/study/alice/{name}/manifest.json", f"{keys.inputs}{name}"):
            fleet.s3.put_object(Bucket=DATA, Key=place, Body=b"\x1b")
    assert [found.id for found in list_sessions(connection)] == [session.id]
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert len(again.futures) == 4
    again.cleanup(force=True)


# The incident commands' doors.


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clients]:
    """Two users' sessions; in one, a worker gave its objects every name of the list."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        s3 = quick_client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        for prefix in (ALICE, BOB):
            s3.put_object(Bucket=BUCKET, Key=f"{prefix}manifest.json", Body=b"{}")
        hostile(s3, BUCKET, ALICE)
        make_audit(s3)
        iam = quick_client("iam", "eu-west-1")
        for role in ROLES:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        yield {
            "s3": s3,
            "iam": iam,
            "ssm": Parameters(),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }


def test_a_person_is_erased_whatever_their_objects_are_called(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = names(clients.__getitem__, "sessions/genomics/alice/")
    others = names(clients.__getitem__, "sessions/genomics/bob/")
    path = tmp_path / "receipt.json"
    words = [*HERS, "--receipt", str(path), "--apply"]
    assert deploy.incident.erase.main(words, clients=clients.__getitem__) == 0
    assert names(clients.__getitem__) == others
    receipt = json.loads(path.read_text())
    assert (receipt["objects"], receipt["versions"]) == (len(NAMES) + 1, 2 * len(NAMES) + 1)
    lines = sorted(json.dumps(list(one)) + "\n" for one in gone)
    assert receipt["names_sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert receipt["not_erased"] == {}
    assert not forbidden(capsys.readouterr().out)


@pytest.mark.parametrize("kept", ["\x1b", "trailing.."])
def test_an_officer_is_told_what_stays_by_name_and_reason(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: str
) -> None:
    path = tmp_path / "receipt.json"
    clients["s3"] = Keeps(clients["s3"], kept)
    words = [*HERS, "--receipt", str(path), "--apply"]
    assert deploy.incident.erase.main(words, clients=clients.__getitem__) == 2
    stays = [
        one for one in names(clients.__getitem__, "sessions/genomics/alice/") if kept in one[0]
    ]
    assert names(clients.__getitem__, "sessions/genomics/alice/") == stays
    receipt = json.loads(path.read_text())
    assert receipt["not_erased"] == {"AccessDenied": 2}
    lines = sorted(json.dumps(list(one)) + "\n" for one in stays)
    assert receipt["not_erased_sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    said = capsys.readouterr()
    assert ("p\\x1b[31mX" if kept == "\x1b" else kept) in said.out + said.err
    assert "not all could be erased: 2 for AccessDenied" in said.err
    assert not forbidden(said.out + said.err)


def test_a_name_that_looks_like_somebody_elses_active_session_keeps_nobody_from_erasing(
    clients: Clients, tmp_path: Path
) -> None:
    """A worker may write below any session's results, so also below one that is another user's."""
    active = "b" * 20
    s3 = clients["s3"]
    s3.put_object(Bucket=BUCKET, Key=f"_control/active/{active}.json", Body=b"{}")
    s3.put_object(Bucket=BUCKET, Key=f"sessions/genomics/alice/{active}/results/x", Body=b"x")
    words = [*HERS, "--receipt", str(tmp_path / "receipt.json"), "--apply"]
    assert deploy.incident.erase.main(words, clients=clients.__getitem__) == 0
    assert names(clients.__getitem__, "sessions/genomics/alice/") == []
    # Of one that is theirs it still does.
    words[1:1] = []
    mine = SessionKeys(workspace="genomics", user="bob", session=active)
    assert mine.manifest == f"{BOB}manifest.json"
    words = ["bob" if word == "alice" else word for word in words]
    assert deploy.incident.erase.main(words, clients=clients.__getitem__) == 2
    assert names(clients.__getitem__, "sessions/genomics/bob/") != []


@pytest.mark.parametrize("call", ["put_object_legal_hold"])
def test_a_version_that_cannot_be_held_keeps_no_other_from_being_held(
    clients: Clients, capsys: pytest.CaptureFixture[str], call: str
) -> None:
    class Stumbles(Keeps):
        def put_object_legal_hold(self, *, Key: str, **words: Any) -> Any:
            if self._kept in Key:
                raise client_error("InvalidArgument", "\x1b[2Jno such \u202eversion")
            return self._s3.put_object_legal_hold(Key=Key, **words)

    clients["s3"] = Stumbles(clients["s3"], "\x1b")
    assert deploy.incident.hold.main([*HERS, "--apply"], clients=clients.__getitem__) == 2
    said = capsys.readouterr()
    assert f"{2 * len(NAMES) - 1:,} versions" in said.out
    assert "p\\x1b[31mX" in said.out + said.err
    assert not forbidden(said.out + said.err)


def test_an_object_that_cannot_come_back_keeps_no_other_from_coming_back(
    clients: Clients, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stumbles(Keeps):
        def delete_object(self, *, Key: str, **words: Any) -> Any:
            if self._kept in Key:
                raise client_error("InvalidArgument", "\x1b[2Jnot this one")
            return self._s3.delete_object(Key=Key, **words)

    s3 = clients["s3"]
    for name in NAMES:
        s3.delete_object(Bucket=BUCKET, Key=f"{ALICE}results/{name}")
    listed = deploy.incident.restore.below

    def dated(*words: Any) -> Iterator[Any]:
        for one in listed(*words):
            yield dataclasses.replace(
                one, modified=datetime(2026, 1, 1, 13 if one.marker else 11, tzinfo=UTC)
            )

    monkeypatch.setattr(deploy.incident.restore, "below", dated)
    clients["s3"] = Stumbles(s3, "\x1b")
    words = [*HERS, "--at", "2026-01-01T12:00:00Z"]
    assert deploy.incident.restore.main(words, clients=clients.__getitem__) == 0
    shown = capsys.readouterr().out
    assert shown.count("would undelete") == len(NAMES)
    assert len(shown.splitlines()) == len(NAMES) + 2  # no name begins a line of its own
    assert not forbidden(shown)
    assert deploy.incident.restore.main([*words, "--apply"], clients=clients.__getitem__) == 2
    said = capsys.readouterr()
    assert "p\\x1b[31mX" in said.out + said.err
    assert not forbidden(said.out + said.err)
    gone = [
        name
        for name in NAMES
        if not any(
            each["IsLatest"] and each["Key"] == f"{ALICE}results/{name}"
            for each in s3.list_object_versions(Bucket=BUCKET, Prefix=ALICE)["Versions"]
        )
    ]
    assert gone == ["p\x1b[31mX"]


# Every name.

KEYS = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",)),
        st.sampled_from("\x00\x01\x1b\r\n\t\x7f\x85\u2028\ufffe\uffff/.%+ &<>\u202e"),
    ),
    max_size=80,
).filter(lambda name: len(name.encode()) < 900)


@pytest.fixture
def erased() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        with quick_aws():
            s3 = quick_client("s3", "us-east-1")
            s3.create_bucket(Bucket=BUCKET)
            s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
            yield s3


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(KEYS, min_size=1, max_size=6, unique=True))
def test_no_name_at_all_stays(erased: Any, chosen: list[str]) -> None:
    from starburst.aws.erasing import erase_below  # noqa: PLC0415

    for name in chosen:
        erased.put_object(Bucket=BUCKET, Key=f"{ALICE}results/{name}", Body=b"x")
    erased.put_object(Bucket=BUCKET, Key="sessions/genomics/al", Body=b"x")
    found = erase_below(erased, BUCKET, [f"sessions/genomics/alice/{SESSION}/"])
    assert (found.gone, found.kept) == (len(chosen), ())
    assert left(erased, BUCKET, "sessions/genomics/alice/") == []
    assert left(erased, BUCKET) != []


def test_names_that_no_batch_carries_take_no_pass_each(erased: Any) -> None:
    passes: list[str] = []
    erased.meta.events.register("before-call.s3.ListObjectVersions", lambda **_: passes.append(""))
    from starburst.aws.erasing import erase_below  # noqa: PLC0415

    for number in range(5):
        erased.put_object(Bucket=BUCKET, Key=f"{ALICE}results/a\x01{number}", Body=b"x")
    assert erase_below(erased, BUCKET, [ALICE]).gone == 5
    assert len(passes) == 2, "one that finds them, and one that finds nothing"

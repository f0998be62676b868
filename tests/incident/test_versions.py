"""Versions are held, erased with a receipt, and brought back; each refuses to harm the others."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

import deploy.incident.erase
import deploy.incident.hold
import deploy.incident.restore
from deploy.incident.command import Clients
from deploy.incident.restore import Step, plan
from deploy.incident.versions import Version, below
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from tests.incident.calls import actions, taken
from tests.incident.environments import BUCKET, Parameters, Trail, make_audit, records
from tests.quick_moto import quick_aws, quick_client

SESSION = "a" * 20
ALICE = f"sessions/genomics/alice/{SESSION}/"
BOB = f"sessions/genomics/bob/{'b' * 20}/"
HERS = ["--environment", "prod", "--workspace", "genomics", "--user", "alice"]
ROLES = [
    "starburst-prod-controller",
    "starburst-prod-analyst-genomics",
    "starburst-prod-steward-genomics",
    "starburst-prod-worker-genomics",
]
SOME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
    }
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clients]:
    """Two users' sessions: each key has two versions, and one of alice's is deleted."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        s3 = quick_client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        for prefix in (ALICE, BOB):
            for key in ("manifest.json", "results/0", "status.json"):
                for body in (b"old", b"newer"):
                    s3.put_object(Bucket=BUCKET, Key=prefix + key, Body=body)
        s3.delete_object(Bucket=BUCKET, Key=f"{ALICE}results/0")
        make_audit(s3)
        iam = quick_client("iam", "eu-west-1")
        for role in ROLES:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        made = {
            "s3": s3,
            "iam": iam,
            "ssm": Parameters(),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }
        yield made.__getitem__


def names(clients: Clients, prefix: str = "sessions/genomics/") -> list[tuple[str, str]]:
    """Return all versions and markers."""
    page = clients("s3").list_object_versions(Bucket=BUCKET, Prefix=prefix)
    found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
    return sorted((one["Key"], one["VersionId"]) for one in found)


def holds(clients: Clients) -> list[str]:
    """Return the keys of versions that are on hold."""
    s3 = clients("s3")
    page = s3.list_object_versions(Bucket=BUCKET)["Versions"]
    return [
        one["Key"]
        for one in page
        if deploy.incident.hold.held(
            s3,
            BUCKET,
            Version(
                key=one["Key"],
                id=one["VersionId"],
                marker=False,
                latest=False,
                size=0,
                modified=NOON,
            ),
        )
    ]


def read(clients: Clients, key: str) -> bytes | None:
    try:
        return clients("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except botocore.exceptions.ClientError:
        return None


def test_every_version_is_held_and_freed(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.incident.hold.main(HERS, clients=clients) == 0
    assert (
        "would put a hold on 6 versions below sessions/genomics/alice/" in capsys.readouterr().out
    )
    assert holds(clients) == []
    for number in range(2):
        record = ["--record", f"{number}.json"]
        assert deploy.incident.hold.main([*HERS, "--apply", *record], clients=clients) == 0
        assert len(holds(clients)) == 6
        assert all(key.startswith(ALICE) for key in holds(clients))
    assert deploy.incident.hold.main([*HERS, "--undo", "--apply"], clients=clients) == 0
    assert holds(clients) == []


def test_a_bucket_without_locks_is_said(
    clients: Clients, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = clients("s3")
    denial = botocore.exceptions.ClientError(
        {"Error": {"Code": "InvalidRequest", "Message": "Bucket is missing Object Lock"}}, "Put"
    )

    def refuse(**_: Any) -> None:
        raise denial

    monkeypatch.setattr(s3, "put_object_legal_hold", refuse)
    assert deploy.incident.hold.main([*HERS, "--apply"], clients=clients) == 2
    assert "has no Object Lock, so no version was held" in capsys.readouterr().err


def test_all_versions_are_erased_with_a_receipt(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, others = (
        names(clients, "sessions/genomics/alice/"),
        names(clients, "sessions/genomics/bob/"),
    )
    assert deploy.incident.erase.main(HERS, clients=clients) == 0
    assert "Nothing was changed" in capsys.readouterr().out
    assert names(clients, "sessions/genomics/alice/") == gone

    path = tmp_path / "receipt.json"
    assert (
        deploy.incident.erase.main([*HERS, "--receipt", str(path), "--apply"], clients=clients) == 0
    )
    assert names(clients) == others
    receipt = json.loads(path.read_text())
    assert receipt["prefixes"] == ["sessions/genomics/alice/", "home/genomics/alice/"]
    assert (receipt["objects"], receipt["versions"], receipt["markers"]) == (3, 6, 1)
    assert receipt["bytes"] == 3 * (len("old") + len("newer"))
    assert receipt["not_erased"] == {}
    assert receipt["finished"] >= receipt["asked"]
    lines = sorted(json.dumps(list(one)) + "\n" for one in gone)
    assert receipt["names_sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert SESSION not in path.read_text()


@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_an_active_session_or_a_hold_keeps_everything(
    clients: Clients,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    apply: list[str],
) -> None:
    before, path = names(clients), tmp_path / "receipt.json"
    record = f"_control/active/{SESSION}.json"
    clients("s3").put_object(Bucket=BUCKET, Key=record, Body=b"{}")
    words = [*HERS, "--receipt", str(path), *apply]
    assert deploy.incident.erase.main(words, clients=clients) == 2
    assert f"session {SESSION} is active" in capsys.readouterr().err
    clients("s3").delete_object(Bucket=BUCKET, Key=record)

    [(key, version), *_] = names(clients, "sessions/genomics/alice/")
    clients("s3").put_object_legal_hold(
        Bucket=BUCKET, Key=key, VersionId=version, LegalHold={"Status": "ON"}
    )
    assert deploy.incident.erase.main(words, clients=clients) == 2
    assert "1 versions are on hold" in capsys.readouterr().err
    assert names(clients) == before
    assert not path.exists()


def test_what_stays_is_in_the_receipt(
    clients: Clients,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3 = clients("s3")
    erase = s3.delete_objects

    def all_but_one(*, Bucket: str, Delete: Any) -> Any:
        first, *rest = Delete["Objects"]
        if rest:
            erase(Bucket=Bucket, Delete={"Objects": rest, "Quiet": True})
        return {"Errors": [{**first, "Code": "AccessDenied", "Message": "locked"}]}

    monkeypatch.setattr(s3, "delete_objects", all_but_one)
    path = tmp_path / "receipt.json"
    assert (
        deploy.incident.erase.main([*HERS, "--receipt", str(path), "--apply"], clients=clients) == 2
    )
    assert "not all could be erased: 1 for AccessDenied" in capsys.readouterr().err
    assert json.loads(path.read_text())["not_erased"] == {"AccessDenied": 1}


@pytest.mark.parametrize(
    "words",
    [
        ["--environment", "prod"],
        ["--environment", "prod", "--session", SESSION],
        [*HERS, "--session", "../bob"],
    ],
)
def test_nothing_is_erased_by_mistake(clients: Clients, words: list[str]) -> None:
    before = names(clients)
    assert deploy.incident.erase.main([*words, "--apply"], clients=clients) == 2
    assert names(clients) == before


def version(key: str, hour: int, *, marker: bool = False, latest: bool = False) -> Version:
    return Version(
        key=key,
        id=f"{key}{hour}",
        marker=marker,
        latest=latest,
        size=1,
        modified=NOON + timedelta(hours=hour),
    )


def test_a_moment_decides_what_comes_back() -> None:
    same = version("same", 0, latest=True)
    deleted = [version("deleted", 2, marker=True, latest=True), version("deleted", 0)]
    changed = [version("new", 2, latest=True), version("new", 1), version("new", -1)]
    later = version("later", 2, latest=True)
    was_gone = [version("x", 2, latest=True), version("x", 0, marker=True), version("x", -1)]
    found = plan([same, *deleted, *changed, later, *was_gone], NOON + timedelta(hours=1))
    assert list(found) == [
        Step(key="same", way="as it was", version=same),
        Step(key="deleted", way="undelete", version=deleted[1], markers=(deleted[0],)),
        Step(key="new", way="copy", version=changed[1], newest=changed[0]),
        Step(key="later", way="came later", version=None),
        Step(key="x", way="came later", version=None),
    ]


def test_a_deleted_and_a_changed_object_come_back_once(
    clients: Clients, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What moto wrote within one second is dated apart by hand."""
    s3 = clients("s3")
    every = list(s3.list_object_versions(Bucket=BUCKET, Prefix=f"{ALICE}status.json")["Versions"])
    old = next(one["VersionId"] for one in every if not one["IsLatest"])
    page = s3.list_object_versions(Bucket=BUCKET, Prefix=f"{ALICE}results/0")
    results = [one["VersionId"] for one in page["Versions"]]
    listed = deploy.incident.restore.below

    def dated(*words: Any) -> Iterator[Version]:
        for one in listed(*words):
            early = one.id in (old, *results) or one.key.endswith("manifest.json")
            yield Version(
                key=one.key,
                id=one.id,
                marker=one.marker,
                latest=one.latest,
                size=one.size,
                modified=NOON - timedelta(hours=1) if early else NOON + timedelta(hours=1),
            )

    monkeypatch.setattr(deploy.incident.restore, "below", dated)
    words = [*HERS, "--at", NOON.isoformat()]
    before = names(clients)
    assert deploy.incident.restore.main(words, clients=clients) == 0
    out = capsys.readouterr().out
    assert f"would undelete {ALICE}results/0" in out
    assert f"would copy {ALICE}status.json" in out
    assert names(clients) == before

    assert deploy.incident.restore.main([*words, "--apply"], clients=clients) == 0
    assert read(clients, f"{ALICE}results/0") == b"newer"
    assert read(clients, f"{ALICE}status.json") == b"old"
    assert read(clients, f"{ALICE}manifest.json") == b"newer"
    after = names(clients)
    assert {one for one in before if "status" in one[0]} < set(after)
    capsys.readouterr()
    assert deploy.incident.restore.main([*words, "--apply"], clients=clients) == 0
    assert "0 to bring back from deletion, 0 from an earlier version" in capsys.readouterr().out
    assert names(clients) == after


def test_a_moment_to_come_is_refused(clients: Clients) -> None:
    assert (
        deploy.incident.restore.main([*HERS, "--at", "2999-01-01T00:00:00Z"], clients=clients) == 2
    )
    assert deploy.incident.restore.main(HERS, clients=clients) == 2


@pytest.mark.parametrize(
    "command", [deploy.incident.hold, deploy.incident.erase, deploy.incident.restore]
)
def test_it_prints_exactly_the_permission_that_it_takes(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    assert command.main([*HERS, "--permission"], clients=clients) == 0
    printed = json.loads(capsys.readouterr().out)
    s3, path = clients("s3"), str(tmp_path / "receipt.json")
    calls = taken(s3, clients("iam"))
    if command is deploy.incident.restore:
        found = list(below(s3, BUCKET, [f"{ALICE}results/"]))
        newest, then, *_ = found
        step = Step(key=then.key, way="undelete", version=then, markers=(newest,))
        assert deploy.incident.restore.restore(s3, BUCKET, step) == "undelete"
        step = Step(key=then.key, way="copy", version=found[-1], newest=then)
        assert deploy.incident.restore.restore(s3, BUCKET, step) == "copy"
    elif command is deploy.incident.hold:
        assert command.main([*HERS, "--apply"], clients=clients) == 0
        assert command.main([*HERS, "--undo", "--apply"], clients=clients) == 0
    else:
        assert (
            command.main(
                [
                    *HERS,
                    "--apply",
                    *(["--receipt", path] if command is deploy.incident.erase else []),
                ],
                clients=clients,
            )
            == 0
        )
    assert calls == actions(printed, "s3", "iam")
    assert list(complaints(Policy.parse("p", printed))) == []
    assert f"arn:aws:s3:::{BUCKET}/sessions/genomics/alice/*" in json.dumps(printed)


def denials(clients: Clients) -> dict[str, list[str]]:
    """Return the denials by role."""
    iam = clients("iam")
    names = {role: iam.list_role_policies(RoleName=role)["PolicyNames"] for role in ROLES}
    return {role: found for role, found in names.items() if found}


def test_who_is_held_can_erase_nothing_until_it_is_lifted(clients: Clients) -> None:
    words = [*HERS, "--session", SESSION, "--apply"]
    assert deploy.incident.hold.main([*words, "--record", "a.json"], clients=clients) == 0
    name = f"DenyErasing-held-genomics-alice-{SESSION}"
    assert denials(clients) == {role: [name] for role in ROLES[1:]}
    policy = clients("iam").get_role_policy(RoleName=ROLES[1], PolicyName=name)["PolicyDocument"]
    [statement] = policy["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", ["s3:Delete*"])
    assert statement["Resource"] == [f"arn:aws:s3:::*/{ALICE}*"]
    assert "Condition" not in statement
    assert deploy.incident.hold.main([*words, "--undo", "--record", "b.json"], clients=clients) == 0
    assert denials(clients) == {}
    kept = [json.loads(text) for text in records(clients("s3")).values()]
    assert [one["versions"] for one in kept] == [6, 6]
    assert {one["what"].split(" of alice")[0] for one in kept} == {
        f"before holding session {SESSION}",
        f"before lifting the hold on session {SESSION}",
    }


def refuse(*_: object, **__: object) -> None:
    denial: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
    raise botocore.exceptions.ClientError(denial, "GetTrail")


@pytest.mark.parametrize("locked", [True, False])
def test_a_receipt_that_cannot_be_finished_is_printed_and_said(
    clients: Clients,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    locked: bool,
) -> None:
    """The disk goes away while S3 erases: what went must be known all the same."""
    folder = Path("stick")
    folder.mkdir()

    def pull_out(**_: object) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if not locked:
            monkeypatch.setattr(Trail, "get_trail", refuse)

    clients("s3").meta.events.register("before-call.s3.DeleteObjects", pull_out)
    words = [*HERS, "--receipt", str(folder / "r.json"), "--apply"]
    assert deploy.incident.erase.main(words, clients=clients) == 2
    said = capsys.readouterr()
    assert names(clients, ALICE) == []
    assert json.loads(said.out[said.out.index("{") : said.out.rindex("}") + 1])["versions"] == 6
    assert "erasing is done, but stick/r.json could not be finished" in said.err
    assert "the whole receipt is printed above" in said.err
    assert len(said.err.splitlines()) == 1
    kept = [key for key in records(clients("s3")) if "-erased-" in key]
    assert len(kept) == locked
    assert ("could not be locked" in said.err) is not locked


@pytest.mark.parametrize(
    ("role", "policy", "whose"),
    [
        (ROLES[1], "DenyErasing-contained-genomics-alice", "sessions/genomics/alice/ is contained"),
        (ROLES[1], "DenyErasing-contained-genomics", "sessions/genomics/ is contained"),
        (ROLES[1], f"DenyErasing-held-genomics-alice-{SESSION}", f"{ALICE} is held"),
        (ROLES[0], "DenyLaunch-genomics-alice", "sessions/genomics/alice/ is contained"),
        (ROLES[0], f"DenyLaunch-genomics-alice-{SESSION}", f"{ALICE} is contained"),
        (ROLES[0], "DenyLaunch-genomics", "sessions/genomics/ is contained"),
    ],
)
def test_nothing_is_erased_of_who_is_contained_or_held(
    clients: Clients, capsys: pytest.CaptureFixture[str], role: str, policy: str, whose: str
) -> None:
    before, iam = names(clients), clients("iam")
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=SOME)
    for words in ([], ["--apply"], ["--session", SESSION, "--apply"]):
        assert deploy.incident.erase.main([*HERS, *words], clients=clients) == 2
        err = capsys.readouterr().err
        assert whose in err
        assert role in err
        assert "--undo --apply takes it back" in err
        assert names(clients) == before
    # Of everybody else it goes on.
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    if "alice" in policy:
        other = policy.replace("alice", "bob")
        iam.put_role_policy(RoleName=role, PolicyName=other, PolicyDocument=SOME)
        assert deploy.incident.erase.main(HERS, clients=clients) == 0


@pytest.mark.parametrize(
    "command", [deploy.incident.hold, deploy.incident.erase, deploy.incident.restore]
)
def test_a_slip_in_a_name_is_no_success(
    clients: Clients, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    before = names(clients)
    at = ["--at", NOON.isoformat()] if command is deploy.incident.restore else []
    for slip, said in (
        (["--user", "alcie"], "Did you mean alice?"),
        (["--user", "alice", "--session", "c" * 20], "there is nothing below"),
    ):
        for apply in ([], ["--apply"]):
            assert command.main([*HERS[:-2], *slip, *at, *apply], clients=clients) == 2
            assert said in capsys.readouterr().err
    assert names(clients) == before
    assert holds(clients) == []
    assert denials(clients) == {}

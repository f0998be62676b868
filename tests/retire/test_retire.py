"""A workspace is retired when it is drained, idle and empty; settings drop no other."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.ssm.models import ssm_backends

import deploy.lifecycle.diff
import deploy.lifecycle.up
from deploy.incident.command import Clients
from deploy.retire.command import main
from environments import PROD
from starburst.contract import runtime_parameter
from starburst_constructs.naming import retired_parameter
from tests.incident.calls import actions, taken
from tests.incident.environments import BUCKET, DOCUMENT, Trail, make_audit, records
from tests.quick_moto import quick_aws, quick_client
from tests.small_aws.account import SmallAws
from tests.small_aws.stacks import StackFormation

SESSION = "a" * 20
MANIFEST = f"sessions/genomics/alice/{SESSION}/manifest.json"
READABLE = {
    "data/genomics/cohort.parquet": b"rows",
    "data/genomics/../odd name": b"odd",
    "data/genomics/folder/": b"",
    f"data/genomics/{'long' * 60}/": b"long",
    "home/genomics/alice/notes.txt": b"newer",
    f"packages/genomics/{'0' * 64}.00": b"wheel",
}
OTHERS = {"data/markets/prices.parquet", "home/markets/alice/notes.txt"}
GENOMICS = ["--environment", "prod", "--workspace", "genomics"]
ERASE = [*GENOMICS, "--erase", "--apply", "--receipt", "r.json"]
CHECK = ["--environment", "prod", "--check"]
_DRAINING = replace(DOCUMENT.workspaces["genomics"], draining=True)
_OPEN = replace(DOCUMENT.workspaces["genomics"], draining=False)


def publish(clients: Clients, **workspaces: Any) -> None:
    """Deploy these workspaces, an hour ago."""
    document = replace(DOCUMENT, workspaces=workspaces)
    clients("ssm").put_parameter(
        Name=runtime_parameter("prod"), Value=document.to_json(), Type="String", Overwrite=True
    )
    _written(datetime.now(UTC) - timedelta(hours=1))


def _written(when: datetime) -> None:
    """Have the runtime document be as old as that; moto dates by the real clock."""
    stored: Any = ssm_backends["123456789012"]["eu-west-1"]
    stored._parameters[runtime_parameter("prod")][-1].last_modified_date = when.timestamp()


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clients]:
    """Production with an object of each area, and genomics drained."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        s3 = quick_client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        for key, body in {**READABLE, MANIFEST: b"{}", **dict.fromkeys(OTHERS, b"")}.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"old")
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        s3.put_object(Bucket=BUCKET, Key="home/genomics/bob/gone.txt", Body=b"gone")
        s3.delete_object(Bucket=BUCKET, Key="home/genomics/bob/gone.txt")
        make_audit(s3)
        iam = quick_client("iam", "eu-west-1")
        for role in ("analyst-genomics", "controller"):
            iam.create_role(RoleName=f"starburst-prod-{role}", AssumeRolePolicyDocument="{}")
        made = {
            "s3": s3,
            "iam": iam,
            "ssm": quick_client("ssm", "eu-west-1"),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }
        publish(made.__getitem__, genomics=_DRAINING, markets=_OPEN)
        yield made.__getitem__


def left(clients: Clients) -> set[str]:
    page = clients("s3").list_object_versions(Bucket=BUCKET)
    return {one["Key"] for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))}


def is_retired(clients: Clients) -> bool:
    found = clients("ssm").get_parameters(Names=[retired_parameter("prod", "genomics")])
    return bool(found["Parameters"])


def drop(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Take genomics out of the settings of production, and change what else is said."""
    rest = tuple(one for one in PROD.workspaces if one.name != "genomics")
    changed = replace(PROD, **{"workspaces": rest, **changes})
    for module in ("deploy.incident.command", "deploy.lifecycle.account"):
        monkeypatch.setattr(f"{module}.ALL", (changed,))


def test_all_of_it_goes_and_nothing_of_others(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ERASE, clients=clients) == 0
    assert left(clients) == OTHERS
    assert is_retired(clients)
    assert "take it out of the settings and deploy" in capsys.readouterr().out
    assert json.loads(Path("r.json").read_text())["objects"] == len(READABLE) + 2
    assert len(records(clients("s3"))) == 2
    # What is empty is retired again without a receipt.
    assert main([*ERASE[:-1], "none.json"], clients=clients) == 0
    assert not Path("none.json").exists()


def test_what_is_archived_is_what_a_reader_found(clients: Clients) -> None:
    words = [*GENOMICS, "--archive", "a.tar", "--apply", "--receipt", "r.json"]
    assert main(words, clients=clients) == 0
    with tarfile.open("a.tar") as tar:
        found = {one.name.rstrip("/"): tar.extractfile(one) for one in tar}
        bodies = {name: member.read() for name, member in found.items() if member is not None}
    assert bodies == {name.rstrip("/"): body for name, body in READABLE.items()}
    assert Path("a.tar").stat().st_mode & 0o777 == 0o600
    assert left(clients) == OTHERS
    answer = clients("ssm").get_parameter(Name=retired_parameter("prod", "genomics"))
    assert len(json.loads(answer["Parameter"]["Value"])["archive_sha256"]) == 64


def test_without_apply_it_is_shown_and_nothing_is_done(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(clients)
    assert main([*GENOMICS, "--archive", "a.tar"], clients=clients) == 0
    out = capsys.readouterr().out
    assert f"would write {len(READABLE)} objects into a.tar" in out
    assert "would erase " in out
    assert (left(clients), is_retired(clients), Path("a.tar").exists()) == (before, False, False)


def _open(clients: Clients) -> None:
    publish(clients, genomics=_OPEN, markets=_OPEN)


def _just_deployed(clients: Clients) -> None:
    _written(datetime.now(UTC))


def _not_deployed(clients: Clients) -> None:
    publish(clients, markets=_OPEN)


def _active(clients: Clients) -> None:
    clients("s3").put_object(Bucket=BUCKET, Key=f"_control/active/{SESSION}.json", Body=b"{}")


def _held(clients: Clients) -> None:
    status = {"Status": "ON"}
    clients("s3").put_object_legal_hold(Bucket=BUCKET, Key=MANIFEST, LegalHold=status)


def _contained(clients: Clients) -> None:
    statement = {"Effect": "Deny", "Action": "s3:DeleteObjectVersion", "Resource": "*"}
    denial = {"Version": "2012-10-17", "Statement": [statement]}
    clients("iam").put_role_policy(
        RoleName="starburst-prod-analyst-genomics",
        PolicyName="DenyErasing-contained-genomics",
        PolicyDocument=json.dumps(denial),
    )


def _archived_before(_: Clients) -> None:
    Path("a.tar").write_text("of another day")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_open, "Set draining=True in its settings"),
        (_just_deployed, "was deployed a moment ago"),
        (_not_deployed, "is not deployed in prod"),
        (_active, f"session {SESSION} is active"),
        (_held, "1 versions are on hold"),
        (_contained, "is contained"),
        (_archived_before, "a.tar exists; name another file"),
    ],
)
def test_what_must_not_go_is_refused_and_nothing_is_done(
    clients: Clients, capsys: pytest.CaptureFixture[str], spoil: Any, says: str
) -> None:
    """That all of it goes otherwise is the first test's."""
    spoil(clients)
    before = left(clients)
    words = [*GENOMICS, "--archive", "a.tar", "--apply", "--receipt", "r.json"]
    assert main(words, clients=clients) == 2
    assert says in capsys.readouterr().err
    assert (left(clients), is_retired(clients)) == (before, False)


def test_what_becomes_of_the_data_must_be_said(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*GENOMICS, "--apply"], clients=clients) == 2
    assert "--archive FILE or --erase" in capsys.readouterr().err
    assert not is_retired(clients)


def test_what_a_retention_keeps_is_told_and_it_is_not_retired(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    clients("s3").put_object_retention(
        Bucket=BUCKET,
        Key="data/genomics/cohort.parquet",
        Retention={"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2999, 1, 1, tzinfo=UTC)},
    )
    assert main(ERASE, clients=clients) == 2
    told = capsys.readouterr()
    assert "stays: data/genomics/cohort.parquet" in told.out
    assert "it is not retired, because not all could be erased" in told.err
    assert left(clients) == {*OTHERS, "data/genomics/cohort.parquet"}
    assert not is_retired(clients)


def test_what_is_written_while_it_is_archived_is_not_erased(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = clients("s3")
    reading = s3.get_object

    def get_object(**words: Any) -> Any:
        s3.put_object(Bucket=BUCKET, Key="home/genomics/alice/late.txt", Body=b"late")
        return reading(**words)

    monkeypatch.setattr(s3, "get_object", get_object)
    before = left(clients)
    words = [*GENOMICS, "--archive", "a.tar", "--apply", "--receipt", "r.json"]
    assert main(words, clients=clients) == 2
    assert "somebody wrote while a.tar was made" in capsys.readouterr().err
    assert left(clients) == {*before, "home/genomics/alice/late.txt"}


@pytest.mark.parametrize("way", [["--erase"], ["--archive", "a.tar"]])
def test_the_printed_policy_is_what_it_takes(
    clients: Clients, capsys: pytest.CaptureFixture[str], way: list[str]
) -> None:
    assert main([*GENOMICS, *way, "--permission"], clients=clients) == 0
    allowed = actions(json.loads(capsys.readouterr().out), "s3", "ssm", "iam")
    used = taken(clients("s3"), clients("ssm"), clients("iam"))
    assert main([*GENOMICS, *way, "--apply", "--receipt", "r.json"], clients=clients) == 0
    # Who is there is asked of one user's erasure alone.
    assert used == allowed


def test_a_workspace_that_is_not_retired_is_not_dropped(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(CHECK, clients=clients) == 0
    assert "have every workspace that is deployed" in capsys.readouterr().out
    drop(monkeypatch)
    assert main(CHECK, clients=clients) == 2
    told = capsys.readouterr().err
    assert "workspace genomics, which is deployed and is not retired" in told
    assert "If it is to be called" not in told


def test_a_retired_workspace_is_dropped_until_it_is_opened_again(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ERASE, clients=clients) == 0
    drop(monkeypatch)
    assert main(CHECK, clients=clients) == 0
    assert "genomics may go" in capsys.readouterr().out
    _written(datetime.now(UTC) + timedelta(seconds=2))
    assert main(CHECK, clients=clients) == 2
    assert "was deployed anew since it was retired" in capsys.readouterr().err


def test_a_new_name_is_told_as_the_end_of_the_old_one(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed = (replace(PROD.workspaces[0], name="genome"), *PROD.workspaces[1:])
    drop(monkeypatch, workspaces=renamed)
    assert main(CHECK, clients=clients) == 2
    assert "If it is to be called genome: no name can be changed" in capsys.readouterr().err


def test_what_was_never_deployed_drops_nothing(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients("ssm").delete_parameter(Name=runtime_parameter("prod"))
    drop(monkeypatch)
    assert main(CHECK, clients=clients) == 0


def test_a_deployment_drops_none_either(
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Whoever deploys or asks what it would do comes by the same door; a registry alone too."""
    drop(monkeypatch)
    (tmp_path / "manifest.json").write_text("{}")
    reached: list[str] = []
    stacks = SmallAws(services={"cloudformation": StackFormation({})})

    def signed_in(service: str) -> Any:
        return stacks(service) if service == "cloudformation" else clients(service)

    for door in (deploy.lifecycle.up, deploy.lifecycle.diff):
        monkeypatch.setattr(door, "sign_in", lambda _: signed_in)
        monkeypatch.setattr(door, "judged", lambda *_: tmp_path)
        monkeypatch.setattr(door, "cdk_in_terminal", lambda words: reached.append(words[0]))
    words = ["--environment", "prod"]
    for parts in ([], ["registry"]):
        assert deploy.lifecycle.up.main([*words, *parts]) == 1
        assert "is deployed and is not retired" in capsys.readouterr().err
        assert deploy.lifecycle.diff.main([*words, *parts]) == 1
        assert "refused: the settings of prod no longer have" in capsys.readouterr().out
    assert not reached
    drop(monkeypatch, workspaces=PROD.workspaces)
    assert deploy.lifecycle.diff.main(words) == 0
    assert deploy.lifecycle.up.main(words) == 0
    assert reached == ["deploy"]


@pytest.mark.parametrize(
    "words",
    [
        ["--environment", "prod"],
        [*GENOMICS, "--check"],
        [*CHECK, "--apply"],
        [*GENOMICS, "--erase", "--archive", "a.tar"],
    ],
)
def test_words_that_contradict_each_other_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)

"""The contained or held erase nothing, signed in afresh; responders hold what is printed only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import deploy.incident.contain
import deploy.incident.erase
import deploy.incident.hold
from deploy.incident.command import Clients
from deploy.incident.records import locker
from environments import LOCAL
from starburst.contract import SessionKeys
from starburst.local import LocalEnvironment
from starburst.local.roles import session as session_of

SUSPECT = ["--environment", "local", "--workspace", "demo", "--user", "mallory"]
KEYS = SessionKeys(workspace="demo", user="mallory", session="e" * 20)
COMMANDS = {
    "contain": deploy.incident.contain,
    "hold": deploy.incident.hold,
    "erase": deploy.incident.erase,
}
NAMES = {"hold": "holder", "erase": "eraser"}
"""Of the roles that LOCAL lets to data; nobody else's may touch an object (A7)."""


class Roles:
    """Makes roles and takes them away again: the root user does nothing else here."""

    def __init__(self, local: LocalEnvironment) -> None:
        self._local, self._made = local, list[str]()
        self._iam, self._sts = (self._root(service) for service in ("iam", "sts"))

    def _root(self, service: str) -> Any:
        return self._local.client(self._local.root_session(), service)

    def make(self, name: str, policy: str) -> Clients:
        """Return the clients of a role that has this policy and no other."""
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        role = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
        self._made.append(name)
        self._iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
        answer = self._sts.assume_role(RoleArn=role["Arn"], RoleSessionName=name)["Credentials"]
        session = session_of(
            answer["AccessKeyId"],
            answer["SecretAccessKey"],
            region=self._local.region,
            token=answer["SessionToken"],
        )
        return lambda service: self._local.client(session, service)

    def remove(self) -> None:
        for name in self._made:
            self._iam.delete_role_policy(RoleName=name, PolicyName="own")
            self._iam.delete_role(RoleName=name)


@pytest.fixture
def roles(local_environment: LocalEnvironment) -> Iterator[Roles]:
    roles = Roles(local_environment)
    yield roles
    roles.remove()


@pytest.fixture
def administrator(roles: Roles) -> Clients:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": everything})
    return roles.make("administrator", document)


@pytest.fixture
def responder(
    roles: Roles,
    administrator: Clients,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Clients]:
    """Return the clients of a role that has exactly the policy that a command prints."""
    monkeypatch.chdir(tmp_path)

    def of(command: str) -> Clients:
        capsys.readouterr()
        assert COMMANDS[command].main([*SUSPECT, "--permission"], clients=administrator) == 0
        return roles.make(NAMES.get(command, f"responder-{command}"), capsys.readouterr().out)

    return of


@pytest.fixture
def bucket(administrator: Clients) -> str:
    answer = administrator("ssm").get_parameter(Name="/starburst/local/runtime")
    return json.loads(answer["Parameter"]["Value"])["bucket"]


def login(local: LocalEnvironment) -> Any:
    """Sign the suspect in afresh."""
    return local.client(local.analyst_session(user="mallory", workspace="demo"), "s3")


@pytest.fixture
def evidence(
    local_environment: LocalEnvironment, bucket: str, administrator: Clients
) -> Iterator[str]:
    """Return the version of an object of the suspect's, as they wrote it."""
    s3 = login(local_environment)
    key = f"{KEYS.inputs}0"
    yield s3.put_object(Bucket=bucket, Key=key, Body=b"evidence")["VersionId"]
    mine = administrator("s3")
    page = mine.list_object_versions(Bucket=bucket, Prefix=KEYS.prefix)
    for one in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
        mine.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


def attempts(s3: Any, bucket: str, version: str) -> dict[str, Callable[[], Any]]:
    """Return each way in which an analyst's role erases or hides an object of its own."""
    key = f"{KEYS.inputs}0"
    here = {"Bucket": bucket, "Key": key}
    return {
        "hide": lambda: s3.delete_object(**here),
        "erase": lambda: s3.delete_object(**here, VersionId=version),
        "erase many": lambda: _each(
            s3.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key, "VersionId": version}]}
            )
        ),
        "overwrite": lambda: s3.put_object(**here, Body=b"something else"),
    }


def _each(answer: dict[str, Any]) -> None:
    for error in answer.get("Errors", ()):
        raise ClientError({"Error": {"Code": error["Code"], "Message": ""}}, "DeleteObjects")


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        return "AccessDenied" in error.response["Error"]["Code"]
    return False


def records(administrator: Clients) -> list[dict[str, Any]]:
    place = locker(LOCAL, administrator)
    assert place is not None
    page = administrator("s3").list_objects_v2(Bucket=place.bucket, Prefix="incidents/local/")
    return [
        json.loads(
            administrator("s3").get_object(Bucket=place.bucket, Key=one["Key"])["Body"].read()
        )
        for one in page.get("Contents", ())
    ]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The suspect's evidence, and who goes after it.

    Attributes:
        fresh: makes a client of the suspect's, signed in anew.
        responder: makes the clients of a role with a command's printed permission, and no other.
        administrator: the clients of an administrator.
        bucket: of the data.
        version: of the suspect's object.
    """

    fresh: Callable[[], Any]
    responder: Callable[[str], Clients]
    administrator: Clients
    bucket: str
    version: str


@pytest.fixture
def scene(
    local_environment: LocalEnvironment,
    responder: Callable[[str], Clients],
    administrator: Clients,
    bucket: str,
    evidence: str,
) -> Scene:
    return Scene(
        fresh=lambda: login(local_environment),
        responder=responder,
        administrator=administrator,
        bucket=bucket,
        version=evidence,
    )


@pytest.mark.parametrize(("command", "still"), [("contain", set()), ("hold", {"overwrite"})])
def test_a_suspect_who_signs_in_again_erases_nothing_until_released(
    scene: Scene, capsys: pytest.CaptureFixture[str], command: str, still: set[str]
) -> None:
    before, clients = len(records(scene.administrator)), scene.responder(command)
    # The lockout is over at once, as it is after twelve hours.
    words = [*SUSPECT, "--apply", *(["--hours", "0"] if command == "contain" else [])]
    assert COMMANDS[command].main([*words, "--record", "one.json"], clients=clients) == 0
    try:
        ways = attempts(scene.fresh(), scene.bucket, scene.version)
        assert {name for name, call in ways.items() if refused(call)} == set(ways) - still
        assert deploy.incident.erase.main(SUSPECT, clients=scene.responder("erase")) == 2
        word = "contained" if command == "contain" else "held"
        assert f"demo/mallory/ is {word}" in capsys.readouterr().err
        assert len(records(scene.administrator)) == before + 1
    finally:
        words += ["--undo", "--record", "two.json"]
        assert COMMANDS[command].main(words, clients=clients) == 0
    assert not refused(attempts(scene.fresh(), scene.bucket, scene.version)["erase"])


def test_no_record_is_overwritten_read_or_erased_by_who_wrote_it(scene: Scene) -> None:
    clients, place = scene.responder("contain"), locker(LOCAL, scene.administrator)
    assert place is not None
    for words in (["--record", "one.json"], ["--record", "two.json", "--undo"]):
        assert deploy.incident.contain.main([*SUSPECT, "--apply", *words], clients=clients) == 0
    page = scene.administrator("s3").list_objects_v2(Bucket=place.bucket, Prefix="incidents/local/")
    here = {"Bucket": place.bucket, "Key": page["Contents"][0]["Key"]}
    s3 = clients("s3")
    assert refused(lambda: s3.put_object(**here, Body=b"{}"))
    assert refused(lambda: s3.put_object(**here, Body=b"{}", IfNoneMatch='"abc"'))
    assert refused(lambda: s3.get_object(**here))
    assert refused(lambda: s3.delete_object(**here))
    elsewhere = {**here, "Key": "AWSLogs/x"}
    assert refused(lambda: s3.put_object(**elsewhere, Body=b"{}", IfNoneMatch="*"))

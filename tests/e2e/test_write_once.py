"""A committed result stays, whatever the stolen credentials of a worker or an analyst ask of S3."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

import starburst
from deploy.incident.restore import Step, restore
from deploy.incident.versions import below
from starburst._client.access.connection import Connection, connect
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst.local import LocalEnvironment, roles
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import restorer_document

FORGED = b"forged"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Thief:
    """A caller's credentials, and the object that they are to replace."""

    local: LocalEnvironment
    session: boto3.Session
    s3: Any
    bucket: str
    key: str
    source: str
    etag: str

    @property
    def place(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.key}

    @property
    def copied(self) -> dict[str, Any]:
        return {**self.place, "CopySource": {"Bucket": self.bucket, "Key": self.source}}

    def send(self, request: AWSRequest) -> str:
        """Send what no SDK sends; return the error's code, empty where it went through."""
        verify: Any = self.local.ca_bundle
        answer = URLLib3Session(verify=verify).send(request.prepare())
        return f"HTTP {answer.status_code}" if answer.status_code > 299 else ""


Attack = Callable[[Thief], object]


def _put(**said: Any) -> Attack:
    return lambda thief: thief.s3.put_object(**thief.place, Body=FORGED, **said)


def _copy(**said: Any) -> Attack:
    return lambda thief: thief.s3.copy_object(**thief.copied, **said)


def _call(name: str, **said: Any) -> Attack:
    return lambda thief: getattr(thief.s3, name)(**thief.place, **said)


def _in_parts(**said: Any) -> Attack:
    """Uploading parts creates nothing; completing the upload would."""

    def attack(thief: Thief) -> object:
        upload = thief.s3.create_multipart_upload(**thief.place)["UploadId"]
        part = {**thief.place, "UploadId": upload}
        etag = thief.s3.upload_part(**part, PartNumber=1, Body=FORGED)["ETag"]
        done = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        return thief.s3.complete_multipart_upload(**part, MultipartUpload=done, **said)

    return attack


def _part_of_another(thief: Thief) -> object:
    upload = thief.s3.create_multipart_upload(**thief.place)["UploadId"]
    return thief.s3.upload_part_copy(**thief.copied, UploadId=upload, PartNumber=1)


def _exchange(thief: Thief) -> object:
    return thief.s3.put_object(**thief.place, Body=FORGED, IfMatch=thief.etag)


def _exchange_and_once(thief: Thief) -> object:
    return thief.s3.put_object(**thief.place, Body=FORGED, IfMatch=thief.etag, IfNoneMatch="*")


def _copy_in_a_signed_address(thief: Thief) -> str:
    url = f"{thief.local.endpoint}/{thief.bucket}/{thief.key}"
    source = {"x-amz-copy-source": f"{thief.bucket}/{thief.source}"}
    request = AWSRequest(method="PUT", url=url, params=source, headers={"If-None-Match": "*"})
    credentials: Any = thief.session.get_credentials()
    S3SigV4QueryAuth(credentials, "s3", thief.local.region, expires=60).add_auth(request)
    return thief.send(request)


def _form(at: str) -> Attack:
    """A browser's upload, which has no place for If-None-Match but the header."""

    def attack(thief: Thief) -> str:
        post = thief.s3.generate_presigned_post(**thief.place, ExpiresIn=60)
        fields = {**post["fields"], "file": FORGED.decode()}
        body = "".join(
            f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        headers = {"Content-Type": "multipart/form-data; boundary=edge", "If-None-Match": "*"}
        url = f"{thief.local.endpoint}/{thief.bucket}{at and '/' + thief.key}"
        return thief.send(
            AWSRequest(method="POST", url=url, data=f"{body}--edge--\r\n".encode(), headers=headers)
        )

    return attack


REPLACING: dict[str, Attack] = {
    "put": _put(),
    "put unless it is another version": _put(IfNoneMatch='"abc"'),
    "put unless it is a star in quotes": _put(IfNoneMatch='"*"'),
    "put unless it is of a list": _put(IfNoneMatch='"abc", *'),
    "put where it is": _put(IfMatch="*"),
    "put where it is this version": _exchange,
    "put where it is this version, once": _exchange_and_once,
    "copy": _copy(),
    "copy once": _copy(IfNoneMatch="*"),
    "copy once, with other metadata": _copy(IfNoneMatch="*", MetadataDirective="REPLACE"),
    "copy unless it is another version": _copy(IfNoneMatch='"abc"'),
    "copy where it is": _copy(IfMatch="*"),
    "copy in a signed address": _copy_in_a_signed_address,
    "complete": _in_parts(),
    "complete unless it is another version": _in_parts(IfNoneMatch='"abc"'),
    "complete where it is": _in_parts(IfMatch="*"),
    "a part of another object": _part_of_another,
    "into an archive": _put(IfNoneMatch="*", StorageClass="GLACIER"),
    "form": _form(""),
    "form at the key": _form("key"),
}
"""What would replace it, were it not for the bucket's policy."""

CHANGING: dict[str, Attack] = {
    "tags": _call("put_object_tagging", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
    "no tags": _call("delete_object_tagging"),
    "acl": _call("put_object_acl", ACL="public-read"),
    "hold": _call("put_object_legal_hold", LegalHold={"Status": "ON"}),
    "retention": _call(
        "put_object_retention",
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": "2036-01-01T00:00:00Z"},
    ),
    "restore": _call("restore_object", RestoreRequest={"Days": 1}),
}
"""What would change it otherwise."""

ERASING: dict[str, Attack] = {
    "delete": _call("delete_object"),
    "delete a version": _call("delete_object", VersionId="null"),
    "delete several": lambda thief: _each_error(
        thief.s3.delete_objects(Bucket=thief.bucket, Delete={"Objects": [{"Key": thief.key}]})
    ),
}


def _each_error(answer: dict[str, Any]) -> str:
    return answer["Errors"][0]["Code"] if answer.get("Errors") else ""


def answer_to(attack: Attack, thief: Thief) -> str:
    """Return the code of the error; empty where the attack went through."""
    try:
        found = attack(thief)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return found if isinstance(found, str) else ""


REFUSED = {"AccessDenied", "HTTP 400", "HTTP 403"}
"""What no SDK sends, the local environment turns away before it asks a policy; for that part the
theorem ``written_once`` stands."""


@pytest.fixture(scope="module")
def alice(local_environment: LocalEnvironment) -> Connection:
    return connect("local", "demo", user="alice")


@pytest.fixture(scope="module")
def session(alice: Connection) -> Iterator[Session]:
    """A session with two committed results."""
    options = starburst.SessionOptions(workers=1, cpu=0.25, memory=0.5)
    session = open_session(alice, options, progress=False)
    for number in (-1, -2):
        assert session.submit(abs, number).result(timeout=60) == -number
    yield session
    session.cleanup(force=True)


def result_key(session: Session, pack: int) -> str:
    return f"{session.manifest.keys.results}p{pack:06d}-00000/000000-000001"


@pytest.fixture
def committed(alice: Connection, session: Session) -> Iterator[tuple[str, str, str]]:
    """Key, ETag and copy source; afterwards every version of the key must be as it was."""
    key = result_key(session, 1)

    def now() -> Any:
        bucket = alice.document.bucket
        page = alice.s3.list_object_versions(Bucket=bucket, Prefix=key)
        versions = [(one["VersionId"], one["IsLatest"]) for one in page.get("Versions", ())]
        body = alice.s3.get_object(Bucket=bucket, Key=key)
        return versions, page.get("DeleteMarkers", []), body["Body"].read(), body["ETag"]

    before = now()
    yield key, before[3], result_key(session, 2)
    assert now() == before


@pytest.fixture(scope="module")
def stolen(
    local_environment: LocalEnvironment, worker_sessions: dict[str, boto3.Session]
) -> dict[str, tuple[boto3.Session, Any]]:
    """Credentials, each with a client that has them."""
    sessions = {
        "worker": worker_sessions["demo"],
        "analyst": local_environment.analyst_session(user="alice", workspace="demo"),
    }
    return {who: (one, local_environment.client(one, "s3")) for who, one in sessions.items()}


@pytest.fixture
def worker_thief(
    local_environment: LocalEnvironment,
    stolen: dict[str, tuple[boto3.Session, Any]],
    alice: Connection,
    committed: tuple[str, str, str],
) -> Thief:
    key, etag, source = committed
    session, s3 = stolen["worker"]
    return Thief(
        local=local_environment,
        session=session,
        s3=s3,
        bucket=alice.document.bucket,
        key=key,
        source=source,
        etag=etag,
    )


@pytest.fixture
def analyst_thief(worker_thief: Thief, stolen: dict[str, tuple[boto3.Session, Any]]) -> Thief:
    session, s3 = stolen["analyst"]
    return dataclasses.replace(worker_thief, session=session, s3=s3)


@pytest.mark.parametrize("name", [*REPLACING, *CHANGING, *ERASING])
def test_a_worker_changes_no_committed_result(worker_thief: Thief, name: str) -> None:
    attack = {**REPLACING, **CHANGING, **ERASING}[name]
    assert answer_to(attack, worker_thief) in REFUSED


@pytest.mark.parametrize("name", [*REPLACING, *CHANGING])
def test_an_analyst_changes_no_committed_result(analyst_thief: Thief, name: str) -> None:
    assert answer_to({**REPLACING, **CHANGING}[name], analyst_thief) in REFUSED


@pytest.mark.parametrize("name", [name for name in REPLACING if name != "a part of another object"])
def test_an_analyst_replaces_no_manifest(
    analyst_thief: Thief, alice: Connection, session: Session, name: str
) -> None:
    """Not even their own: what the controller judged is what workers read."""
    place: dict[str, Any] = {
        "Bucket": alice.document.bucket,
        "Key": session.manifest.keys.manifest,
    }
    before = alice.s3.get_object(**place)
    source = alice.s3.list_objects_v2(
        Bucket=alice.document.bucket, Prefix=session.manifest.keys.inputs
    )["Contents"][0]["Key"]
    thief = dataclasses.replace(analyst_thief, key=place["Key"], etag=before["ETag"], source=source)
    assert answer_to(REPLACING[name], thief) in REFUSED
    after = alice.s3.get_object(**place)
    assert after["Body"].read() == before["Body"].read()
    assert after["VersionId"] == before["VersionId"]


NAMES = (
    "p\x1b[31mX",
    "x",
    "p000009",
    "p000009-00000/000000-000001/x",
    f"\x1b[31m/{'a' * 20}/results/p000009-00000/000000-000001",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_worker_writes_under_no_name_that_no_result_has(
    worker_thief: Thief, session: Session, name: str
) -> None:
    key = f"{session.manifest.keys.results}{name}"
    thief = dataclasses.replace(worker_thief, key=key)
    assert answer_to(_put(IfNoneMatch="*"), thief) == "AccessDenied"
    assert answer_to(_in_parts(IfNoneMatch="*"), thief) == "AccessDenied"


@pytest.mark.parametrize("kind", ["GLACIER", "DEEP_ARCHIVE", "STANDARD_IA", "GLACIER_IR"])
def test_a_worker_puts_no_result_where_it_cannot_be_read(
    worker_thief: Thief, session: Session, kind: str
) -> None:
    thief = dataclasses.replace(worker_thief, key=result_key(session, 8))
    assert answer_to(_put(IfNoneMatch="*", StorageClass=kind), thief) == "AccessDenied"
    plain = answer_to(_put(IfNoneMatch="*", StorageClass="STANDARD"), thief)
    assert plain in ("", "PreconditionFailed")


def test_a_worker_may_upload_a_new_result_in_parts_once(
    worker_thief: Thief, session: Session
) -> None:
    thief = dataclasses.replace(worker_thief, key=result_key(session, 9))
    assert answer_to(_in_parts(IfNoneMatch="*"), thief) == ""
    assert answer_to(_in_parts(IfNoneMatch="*"), thief) == "PreconditionFailed"


def test_what_officers_restore_is_written_once_too(
    local_environment: LocalEnvironment, alice: Connection, session: Session
) -> None:
    """With what ``deploy.restore`` prints and nothing else: a deletion and a change are undone."""
    bucket, key = alice.document.bucket, result_key(session, 2)
    s3 = local_environment.client(
        responder(local_environment, alice, [session.manifest.keys.prefix]), "s3"
    )
    [was] = below(s3, bucket, [key])
    body = alice.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    alice.s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key=key, Body=FORGED, IfNoneMatch="*")
    newest, *_ = below(s3, bucket, [key])
    step = Step(key=key, way="copy", version=was, newest=newest)
    assert restore(s3, bucket, step) == "copy"
    assert alice.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    restored, *_ = below(s3, bucket, [key])
    assert restore(s3, bucket, dataclasses.replace(step, newest=restored)) == "as it was"


def responder(
    local: LocalEnvironment, connection: Connection, prefixes: list[str]
) -> boto3.Session:
    """Return a session of a role that may restore below these prefixes."""
    document = connection.document
    policy = restorer_document(
        document.environment,
        prefixes,
        placement=Placement(account=document.account, region=document.region),
        bucket=document.bucket,
        key_arn=document.key_arn,
    )
    trust = {"Effect": "Allow", "Principal": {"AWS": document.account}, "Action": "sts:AssumeRole"}
    root = local.root_session()
    iam = local.client(root, "iam")
    arn = iam.create_role(
        RoleName="restorer",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="restorer", PolicyName="restore", PolicyDocument=json.dumps(policy)
    )
    keys = local.client(root, "sts").assume_role(RoleArn=arn, RoleSessionName="responder")
    return roles.session(
        keys["Credentials"]["AccessKeyId"],
        keys["Credentials"]["SecretAccessKey"],
        region=local.region,
        token=keys["Credentials"]["SessionToken"],
    )

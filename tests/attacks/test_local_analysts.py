"""An analyst with keys of their own gets no further by a strange request than by an honest one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from starburst.local import LocalEnvironment
from starburst.local.emulator import ACCOUNT, REGION
from tests.local.raw import FORM, JSON_1_0, JSON_1_1, Answer, Door, keys, sign
from tests.local.scene import Scene
from tests.some import some

CONTROLLER = "starburst-local-controller"
ECS = "AmazonEC2ContainerServiceV20141113"
ALLOW = {"Effect": "Allow"}


@pytest.fixture
def door(deployed: LocalEnvironment) -> Iterator[Door]:
    with Door(deployed.endpoint) as door:
        yield door


@pytest.fixture(scope="module")
def analyst(deployed: LocalEnvironment) -> Credentials:
    return keys(deployed.analyst_session(user="alice", workspace="demo"))


class Place:
    """A bucket and two queues, and a user who may do a little there."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.bucket = scene.bucket()
        (self.own, own), (self.victim, _) = scene.queue(), scene.queue()
        self.root = scene.root("s3")
        for key in ("mine/x", "other/x"):
            self.root.put_object(Bucket=self.bucket, Key=key, Body=b"kept")
        objects = f"arn:aws:s3:::{self.bucket}/"
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{CONTROLLER}"
        role = scene.role(
            {**ALLOW, "Action": "s3:GetObject", "Resource": objects + "*"},
            {**ALLOW, "Action": "s3:DeleteObject", "Resource": objects + "mine/*"},
            {**ALLOW, "Action": "s3:PutObjectTagging", "Resource": objects + "*"},
            {**ALLOW, "Action": "sqs:GetQueueAttributes", "Resource": own},
            {**ALLOW, "Action": "lambda:InvokeFunction", "Resource": function},
            {**ALLOW, "Action": ["ecs:ListClusters", "sns:ListTopics"], "Resource": "*"},
        )
        self.who = keys(scene.become(role))

    def untouched(self) -> bool:
        for key in ("mine/x", "other/x"):
            found = self.root.get_object(Bucket=self.bucket, Key=key)
            if found["Body"].read() != b"kept" or "TagCount" in found:
                return False
        return True


@pytest.fixture(scope="module")
def place(deployed: LocalEnvironment) -> Place:
    return Place(Scene(deployed))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/taskdefinitions"),
        ("POST", "/tasks"),
        ("GET", "/clusters"),
        ("POST", "/stoptask"),
    ],
)
def test_no_path_runs_a_task(door: Door, analyst: Credentials, method: str, path: str) -> None:
    body = json.dumps({"taskDefinition": "starburst-local-demo"}).encode()
    for service in ("ecs", "s3", "lambda", "execute-api"):
        assert door.signed(analyst, service, method, path, body=body).refused
    assert door.presigned(analyst, method, path, body).refused


def test_what_may_be_listed_runs_no_task(door: Door, place: Place) -> None:
    body = json.dumps({"taskDefinition": "starburst-local-demo", "cluster": "x"}).encode()
    run = {"X-Amz-Target": f"{ECS}.RunTask", "Content-Type": JSON_1_1}
    named = {**run, "X-Amz-Target": f"{ECS}.RunTask.ListClusters"}
    tries: list[Answer] = [
        door.signed(place.who, "ecs", "POST", "/?Action=ListClusters", headers=run, body=body),
        door.signed(place.who, "ecs", "POST", "/", headers=named, body=body),
        door.signed(place.who, "sns", "POST", "/?Action=ListTopics", headers=run, body=body),
        # The form names an action for the policy, and the JSON another for ECS.
        door.signed(
            place.who,
            "ecs",
            "POST",
            "/",
            headers={**run, "Content-Type": FORM},
            body=b'{"x": "&Action=ListClusters&", "taskDefinition": "starburst-local-demo"}',
        ),
    ]
    assert all(answer.refused for answer in some(tries))


def test_what_may_be_read_may_not_be_written(door: Door, place: Place) -> None:
    path = f"/{place.bucket}/other/x"
    tries = [
        door.signed(place.who, "s3", "PUT", f"{path}?Action=GetObject", body=b"evil"),
        door.signed(
            place.who, "s3", "PUT", path, headers={"X-Amz-Target": "x.GetObject"}, body=b"evil"
        ),
        door.signed(
            place.who, "s3", "PUT", path, headers={"Content-Type": FORM}, body=b"Action=GetObject"
        ),
        door.signed(place.who, "s3", "PUT", f"{path}?tagging&acl", body=b"<Tagging/>"),
        door.signed(place.who, "s3", "PUT", f"{path}?tagging&uploadId=x&partNumber=1"),
        door.signed(place.who, "s3", "DELETE", f"{path}?Action=GetObject"),
        door.presigned(place.who, "PUT", f"{path}?Action=GetObject", b"evil"),
        door.signed(place.who, "s3", "POST", f"/{place.bucket}?Action=GetObject", body=b"x"),
    ]
    assert all(answer.refused for answer in some(tries)), [answer.status for answer in tries]
    assert place.untouched()


def test_a_batch_deletes_only_the_key_that_was_asked_about(door: Door, place: Place) -> None:
    for inside in (
        "<Key>other/x</Key><Key>mine/x</Key>",
        "<Key>other/x</Key><Object><Key>mine/x</Key></Object>",
    ):
        body = f"<Delete><Object>{inside}</Object></Delete>".encode()
        path = f"/{place.bucket}?delete"
        assert door.signed(place.who, "s3", "POST", path, body=body).refused
    assert place.untouched()


def test_a_queue_is_the_one_that_was_asked_about(door: Door, place: Place) -> None:
    own = place.own.rpartition("/")[2]
    for url in (
        f"{place.victim}?x=/{ACCOUNT}/{own}",
        f"{place.victim}#/{ACCOUNT}/{own}",
        f"{place.victim};/{ACCOUNT}/{own}",
    ):
        body = json.dumps({"QueueUrl": url, "AttributeNames": ["All"]}).encode()
        target = {"X-Amz-Target": "AmazonSQS.GetQueueAttributes", "Content-Type": JSON_1_0}
        answer = door.signed(place.who, "sqs", "POST", "/", headers=target, body=body)
        assert place.victim.rpartition("/")[2].encode() + b'"' not in answer.body
    form = urlencode({"Action": "GetQueueAttributes", "QueueUrl": place.victim}).encode()
    path = "/?" + urlencode({"QueueUrl": place.own})
    types = {"Content-Type": FORM}
    assert door.signed(place.who, "sqs", "POST", path, headers=types, body=form).refused


@pytest.mark.parametrize(
    "path",
    [
        f"/2015-03-31/functions/{CONTROLLER}/invocations/url",
        f"/2015-03-31/functions/{CONTROLLER}/invocations/event-invoke-config",
        f"/2015-03-31/functions/{CONTROLLER}/invocations/../url",
        f"/2021-10-31/functions/{CONTROLLER}/url",
        f"/2021-11-15/functions/{CONTROLLER}/response-streaming-invocations",
        f"/2025-12-01/functions/{CONTROLLER}/invocations",
        f"/2014-11-13/functions/{CONTROLLER}/invoke-async/",
        f"/2015-03-31/functions/{CONTROLLER}%2Finvocations",
        f"/2015-03-31/functions/{CONTROLLER}/invocations?Action=InvokeFunction",
    ],
)
def test_a_function_is_invoked_by_one_path(door: Door, place: Place, path: str) -> None:
    body = b'{"AuthType": "NONE"}'
    for method in ("POST", "PUT"):
        assert door.signed(place.who, "lambda", method, path, body=body).refused
    found = place.scene.root("lambda")
    assert found.get_function_configuration(FunctionName=CONTROLLER)["FunctionName"] == CONTROLLER


def test_a_worker_becomes_nobody_by_a_harmless_question(door: Door, place: Place) -> None:
    # Nobody is refused who they are: a policy is not asked about that.
    role = f"arn:aws:iam::{ACCOUNT}:role/starburst-local-admin"
    assume = {"Action": "AssumeRole", "RoleArn": role, "RoleSessionName": "x"}
    body = urlencode(assume).encode()
    twice = body + b"&Action=GetCallerIdentity"
    target = {
        "X-Amz-Target": "AWSSecurityTokenServiceV20110615.AssumeRole",
        "Content-Type": JSON_1_0,
    }
    types = {"Content-Type": FORM}
    who = place.who
    question = "/?Action=GetCallerIdentity"
    tries = [
        door.signed(who, "sts", "POST", question, headers=types, body=body),
        door.signed(who, "sts", "POST", "/", headers=types, body=twice),
        door.signed(who, "sts", "POST", question, headers=target, body=json.dumps(assume).encode()),
        door.signed(who, "sts", "GET", "/?" + urlencode({**assume, "Version": "2011-06-15"})),
    ]
    tries += [
        door.signed(who, "sts", "POST", "/", headers=types, body=f"Action={other}".encode())
        for other in ("GetSessionToken", "GetFederationToken", "AssumeRoleWithWebIdentity")
    ]
    assert all(answer.refused for answer in some(tries))


class TestSignatures:
    """Each part of a signature counts."""

    def get(self, place: Place) -> AWSRequest:
        url = f"{place.scene.local.endpoint}/{place.bucket}/mine/x"
        return sign(place.who, "s3", "GET", url)

    def test_an_honest_one_is_good(self, door: Door, place: Place) -> None:
        assert door.signed(place.who, "s3", "GET", f"/{place.bucket}/mine/x").body == b"kept"
        assert door.presigned(place.who, "GET", f"/{place.bucket}/mine/x").body == b"kept"

    @pytest.mark.parametrize(
        "change",
        [
            {"X-Amz-Security-Token": "another"},
            {"X-Amz-Security-Token": None},
            {"X-Amz-Date": "20200101T000000Z"},
            {"X-Amz-Date": "now"},
            {"X-Amz-Copy-Source": "/x/y"},
            {"X-Amz-Content-SHA256": hashlib.sha256(b"other").hexdigest()},
            {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"},
            {"Authorization": "AWS key:signature"},
            {"Authorization": "Bearer x"},
        ],
        ids=lambda change: "=".join(map(str, *change.items())),
    )
    def test_a_changed_header_is_refused(
        self, door: Door, place: Place, change: dict[str, str | None]
    ) -> None:
        request = self.get(place)
        for name, value in change.items():
            del request.headers[name]
            if value is not None:
                request.headers[name] = value
        answer = door.knock("GET", f"/{place.bucket}/mine/x", dict(request.headers.items()))
        assert answer.refused

    def test_another_secret_path_query_method_or_body_is_refused(
        self, door: Door, place: Place
    ) -> None:
        path = f"/{place.bucket}/mine/x"
        headers = dict(self.get(place).headers.items())
        assert door.knock("GET", f"/{place.bucket}/other/x", headers).refused
        assert door.knock("GET", f"{path}?versionId=null", headers).refused
        assert door.knock("HEAD", path, headers).refused
        assert door.knock("DELETE", path, headers).refused
        assert door.knock("PUT", path, headers, b"evil").refused
        who = Credentials(place.who.access_key, "secret", place.who.token)
        assert door.signed(who, "s3", "GET", path).refused
        assert door.presigned(who, "GET", path).refused
        root = place.scene.local.root_session().get_credentials()
        assert root is not None
        mixed = Credentials(root.access_key, place.who.secret_key, place.who.token)
        assert door.signed(mixed, "s3", "GET", path).refused

    def test_a_body_that_was_not_signed_is_refused(self, door: Door, place: Place) -> None:
        root = keys(place.scene.local.root_session())
        url = f"{place.scene.local.endpoint}/{place.bucket}/new"
        request = sign(root, "s3", "PUT", url, body=b"good")
        headers = {**request.headers, "Content-Length": "4"}
        assert door.knock("PUT", f"/{place.bucket}/new", headers, b"evil").refused
        form = b"Action=ListRoles&Version=2010-05-08"
        request = sign(
            root,
            "iam",
            "POST",
            place.scene.local.endpoint + "/",
            headers={"Content-Type": FORM},
            body=form,
        )
        other = form.replace(b"Roles", b"Users")
        assert door.knock("POST", "/", dict(request.headers.items()), other).refused

    @pytest.mark.parametrize("scope", ["sqs", "iam", "starburst"])
    def test_a_signature_is_good_for_its_service(
        self, door: Door, place: Place, scope: str
    ) -> None:
        assert door.signed(place.who, scope, "GET", f"/{place.bucket}/mine/x").refused
        assert door.signed(place.who, scope, "GET", "/_starburst/workers").refused

    def test_a_presigned_url_ends(self, door: Door, place: Place) -> None:
        path = f"/{place.bucket}/mine/x"
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{place.who.access_key}/20200101/{REGION}/s3/aws4_request",
            "X-Amz-Date": "20200101T000000Z",
            "X-Amz-Expires": "60",
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Security-Token": str(place.who.token),
            "X-Amz-Signature": "0" * 64,
        }
        answer = door.knock("GET", f"{path}?{urlencode(query, quote_via=quote)}")
        assert answer.refused
        assert b"expired" in answer.body

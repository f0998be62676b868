"""An administrator's rights open no object and no ciphertext, and lock nobody out (A7)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst.contract import SessionKeys
from starburst.local import LocalEnvironment

KEYS = SessionKeys(workspace="demo", user="trent", session="e" * 20)
KEY = f"{KEYS.inputs}0"
BODY = b"a genome"


@pytest.fixture
def administrator(local_environment: LocalEnvironment) -> Callable[[str], Any]:
    """Clients of the role that deploys: its policy allows everything."""
    session = local_environment.platform_session()
    return lambda service: local_environment.client(session, service)


@pytest.fixture
def document(administrator: Callable[[str], Any]) -> dict[str, Any]:
    answer = administrator("ssm").get_parameter(Name="/starburst/local/runtime")
    return json.loads(answer["Parameter"]["Value"])


@pytest.fixture
def place(
    local_environment: LocalEnvironment, document: dict[str, Any]
) -> Iterator[dict[str, str]]:
    """Where an analyst has put an object, with its version."""
    s3 = local_environment.client(local_environment.analyst_session(user="trent"), "s3")
    here = {"Bucket": document["bucket"], "Key": KEY}
    version = s3.put_object(**here, Body=BODY)["VersionId"]
    assert s3.get_object(**here)["Body"].read() == BODY
    yield {**here, "VersionId": version}
    s3.delete_object(**here, VersionId=version)


def refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # What is asked by HEAD has no body, so no name of the error.
        return "refused" if "AccessDenied" in code or code == "403" else code
    return "done"


def test_an_administrator_touches_no_object(
    administrator: Callable[[str], Any], place: dict[str, str]
) -> None:
    s3 = administrator("s3")
    here = {name: place[name] for name in ("Bucket", "Key")}
    beside = {**here, "Key": f"{KEY}-beside"}
    ways: dict[str, Callable[[], Any]] = {
        "read": lambda: s3.get_object(**here),
        "read a version": lambda: s3.get_object(**place),
        "look": lambda: s3.head_object(**here),
        "read its tags": lambda: s3.get_object_tagging(**here),
        "write over it": lambda: s3.put_object(**here, Body=b"another"),
        "write beside it": lambda: s3.put_object(**beside, Body=b"another"),
        "tag it": lambda: s3.put_object_tagging(
            **here, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
        ),
        "hold it": lambda: s3.put_object_legal_hold(**place, LegalHold={"Status": "ON"}),
        "copy it": lambda: s3.copy_object(**beside, CopySource=place),
        "begin an upload": lambda: s3.create_multipart_upload(**beside),
    }
    assert {name: refusal(call) for name, call in ways.items()} == dict.fromkeys(ways, "refused")


def test_an_administrator_opens_and_makes_no_ciphertext(
    administrator: Callable[[str], Any],
    local_environment: LocalEnvironment,
    document: dict[str, Any],
) -> None:
    key = document["key_arn"]
    context = {"workspace": "demo", "user": "trent", "session": KEYS.session}
    analyst = local_environment.client(local_environment.analyst_session(user="trent"), "kms")
    made = analyst.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    sealed = made["CiphertextBlob"]
    kms = administrator("kms")
    ways: dict[str, Callable[[], Any]] = {
        "open": lambda: kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context),
        "make": lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        "make a key": lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    }
    assert {name: refusal(call) for name, call in ways.items()} == dict.fromkeys(ways, "refused")


def test_an_administrator_still_changes_the_bucket_the_key_and_their_stacks(
    administrator: Callable[[str], Any], document: dict[str, Any], place: dict[str, str]
) -> None:
    """The perimeter itself is lifted and put back: who deploys can always do that."""
    s3, kms, stacks = (administrator(service) for service in ("s3", "kms", "cloudformation"))
    bucket = {"Bucket": document["bucket"]}
    policy = s3.get_bucket_policy(**bucket)["Policy"]
    s3.put_bucket_policy(**bucket, Policy=policy)
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    assert kms.describe_key(KeyId=document["key_arn"])["KeyMetadata"]["Enabled"]
    template = stacks.get_template(StackName="starburst-local-storage")["TemplateBody"]
    was = template if isinstance(template, str) else json.dumps(template)
    lifted = json.loads(was)
    [own] = [
        one
        for name, one in lifted["Resources"].items()
        if one["Type"] == "AWS::S3::BucketPolicy" and name.startswith("Data")
    ]
    statements = own["Properties"]["PolicyDocument"]["Statement"]
    own["Properties"]["PolicyDocument"]["Statement"] = [
        one for one in statements if one.get("Sid") != "DenyOtherPrincipals"
    ]
    seen: list[str] = []
    for body in (json.dumps(lifted), was):
        stacks.update_stack(
            StackName="starburst-local-storage",
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        stacks.get_waiter("stack_update_complete").wait(
            StackName="starburst-local-storage", WaiterConfig={"Delay": 1}
        )
        seen.append(refusal(lambda: s3.get_object(**place)))
    assert seen == ["done", "refused"]

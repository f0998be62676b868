"""Buckets refuse strangers, old TLS, other keys and second writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import ALL, DEV, PROD
from stacks.settings import Storage
from starburst_constructs.storage.buckets import CONTROL_DAYS
from tests.stacks.reading import Template, across, listed, named, resources, statement

Templates = dict[str, Template]

HEADER = "s3:x-amz-server-side-encryption"
KEY_ID = f"{HEADER}-aws-kms-key-id"
USER, WORKSPACE = "${aws:PrincipalTag/userName}", "${aws:PrincipalTag/starburst-workspace}"
LISTING = {"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"}
"""All actions of S3 that tell names and can be held to a prefix."""


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def environment(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def storage(templates: Templates, environment: Any) -> Template:
    return templates[f"{environment.name}/storage"]


def policy(template: Template, bucket: str) -> dict[str, Any]:
    return named(template, "AWS::S3::BucketPolicy", f"{bucket}Policy")["PolicyDocument"]


def all_buckets(templates: Templates, environment: Any) -> dict[str, Any]:
    return {
        name: bucket["Properties"]
        for stack, template in templates.items()
        if stack.startswith(f"{environment.name}/")
        for name, bucket in resources(template, "AWS::S3::Bucket").items()
    }


def test_every_bucket_is_private_versioned_and_owned_by_us(
    templates: Templates, environment: Any
) -> None:
    buckets = all_buckets(templates, environment)
    assert len(buckets) == 3
    for name, bucket in buckets.items():
        assert bucket["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }, name
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), name
        assert any("NoncurrentVersionExpiration" in rule for rule in rules), name


def test_every_bucket_policy_refuses_strangers_and_old_tls(
    templates: Templates, environment: Any
) -> None:
    found = across(templates, environment.name, "AWS::S3::BucketPolicy")
    assert len(found) == 3
    for _, resource in found:
        document = resource["Properties"]["PolicyDocument"]
        conditions = {json.dumps(each.get("Condition")): each for each in document["Statement"]}
        denies = [
            conditions[json.dumps({"Bool": {"aws:SecureTransport": "false"}})],
            conditions[json.dumps({"NumericLessThan": {"s3:TlsVersion": 1.2}})],
            statement(document, "DenyStrangers"),
        ]
        for deny in denies:
            assert deny["Effect"] == "Deny"
            assert deny["Action"] == "s3:*"
            assert deny["Principal"] == {"AWS": "*"}
            # The bucket itself and its objects: listing is refused as well (S10).
            assert len(deny["Resource"]) == 2
        assert denies[2]["Condition"] == {
            "StringNotEquals": {"aws:PrincipalAccount": environment.account},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }


def test_an_organization_widens_the_perimeter_to_itself(tmp_path: Path) -> None:
    dev = replace(DEV, organization_id="o-a1b2c3d4e5")
    assembly = app.build([dev], outdir=str(tmp_path), validate=False).synth()
    built = {stack.hierarchical_id: stack.template for stack in assembly.stacks_recursively}
    for where, resource in across(built, "dev", "AWS::S3::BucketPolicy"):
        strangers = statement(resource["Properties"]["PolicyDocument"], "DenyStrangers")
        condition = strangers["Condition"]["StringNotEquals"]
        assert condition == {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, where


def test_the_data_bucket_encrypts_with_the_data_key(storage: Template, environment: Any) -> None:
    bucket = named(storage, "AWS::S3::Bucket", "Data")
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = rule["ServerSideEncryptionByDefault"]
    layered = environment.storage.encryption == "kms:dsse"
    assert default["SSEAlgorithm"] == ("aws:kms:dsse" if layered else "aws:kms")
    assert "DataKey" in json.dumps(default["KMSMasterKeyID"])
    assert rule["BucketKeyEnabled"] is not layered
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}


def test_uploads_under_any_other_encryption_are_refused(
    storage: Template, environment: Any
) -> None:
    document = policy(storage, "Data")
    layered = environment.storage.encryption == "kms:dsse"
    algorithm = "aws:kms:dsse" if layered else "aws:kms"
    other_key = statement(document, "DenyOtherKey")["Condition"]
    assert other_key["Null"] == {KEY_ID: "false"}
    assert list(other_key["StringNotEquals"]) == [KEY_ID]
    assert "DataKey" in json.dumps(other_key["StringNotEquals"][KEY_ID])
    expected = {
        "DenyOtherAlgorithm": {
            "Null": {HEADER: "false"},
            "StringNotEquals": {HEADER: algorithm},
        },
        "DenyAwsManagedKey": {"StringEquals": {HEADER: algorithm}, "Null": {KEY_ID: "true"}},
        "DenyCustomerProvidedKey": {"Null": {f"{HEADER}-customer-algorithm": "false"}},
    }
    for sid, condition in expected.items():
        deny = statement(document, sid)
        assert (deny["Effect"], deny["Action"]) == ("Deny", "s3:PutObject")
        assert deny["Condition"] == condition


@pytest.mark.parametrize(
    ("sid", "condition"),
    [
        (
            "DenySecondWrite",
            {
                "StringNotEquals": {"s3:if-none-match": "*"},
                "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
            },
        ),
        ("DenyCopies", {"Null": {"s3:x-amz-copy-source": "false"}}),
        ("DenyExchanges", {"Null": {"s3:if-match": "false"}}),
        ("DenyForms", {"StringEquals": {"s3:authType": "POST"}}),
        (
            "DenyArchives",
            {
                "StringNotEquals": {"s3:x-amz-storage-class": "STANDARD"},
                "Null": {"s3:x-amz-storage-class": "false"},
            },
        ),
    ],
)
def test_results_manifests_and_packages_are_written_once(
    storage: Template, sid: str, condition: dict[str, Any]
) -> None:
    deny = statement(policy(storage, "Data"), sid)
    assert (deny["Effect"], deny["Action"]) == ("Deny", "s3:PutObject")
    assert deny["Principal"] == {"AWS": "*"}
    assert deny["Condition"] == condition
    patterns = sorted(each["Fn::Join"][1][-1] for each in deny["Resource"])
    sessions = [f"/sessions/*/*/*/{name}" for name in ("logs/*", "manifest.json", "results/*")]
    assert patterns == ["/packages/*", *sessions]


SHARED = [f"packages/{WORKSPACE}/*", f"data/{WORKSPACE}/*"]
OWN = [f"sessions/{WORKSPACE}/{USER}/*", f"home/{WORKSPACE}/{USER}/*"]
NAMED = {"Null": {"aws:PrincipalTag/userName": "false"}}


def role(purpose: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:PrincipalTag/starburst:role": purpose}}


@pytest.mark.parametrize(
    ("who", "condition", "folders"),
    [("OtherUsers", NAMED, [*OWN, *SHARED]), ("OtherAreasToStewards", role("steward"), SHARED)],
)
def test_people_reach_and_list_what_is_theirs_by_any_call(
    storage: Template, who: str, condition: dict[str, Any], folders: list[str]
) -> None:
    objects = statement(policy(storage, "Data"), f"Deny{who}Objects")
    assert (objects["Effect"], objects["Action"]) == ("Deny", "s3:*")
    assert objects["Condition"] == condition
    assert sorted(below(objects["NotResource"])) == sorted(["", *folders])
    names = statement(policy(storage, "Data"), f"Deny{who}Names")
    assert set(names["Action"]) == LISTING
    assert below(listed(names["Resource"])) == [""]
    assert names["Condition"] == {**condition, "StringNotLike": {"s3:prefix": folders}}


def below(resources: list[Any]) -> list[str]:
    """What stands behind the bucket's ARN in each; nothing of the bucket itself."""
    ends = [one["Fn::Join"][1][-1] if "Fn::Join" in one else "" for one in resources]
    return [end.removeprefix("/") for end in ends]


def test_workers_write_nothing_that_others_run_or_read(storage: Template) -> None:
    document = policy(storage, "Data")
    elsewhere = statement(document, "DenyOtherWorkspacesToWorkers")
    known = ["", f"sessions/{WORKSPACE}/*", *SHARED]
    assert sorted(below(elsewhere["NotResource"])) == sorted(known)
    writes = statement(document, "DenyAllButReadingToWorkers")
    assert writes["NotAction"] == "s3:GetObject"
    assert sorted(below(writes["Resource"])) == ["data/*", "packages/*"]
    bucket = statement(document, "DenyTheBucketToWorkers")
    assert (bucket["NotAction"], below(listed(bucket["Resource"]))) == ("s3:ListBucket", [""])
    for deny in (elsewhere, writes, bucket):
        assert (deny["Effect"], deny["Condition"]) == ("Deny", role("worker"))
    names = statement(document, "DenyOtherNamesToWorkers")
    assert names["Action"] == "s3:ListBucket"
    prefix = {"StringNotLike": {"s3:prefix": f"data/{WORKSPACE}/*"}}
    assert names["Condition"] == {**role("worker"), **prefix}


def test_the_policy_fits_into_what_s3_takes(storage: Template) -> None:
    """20 KB; tokens become the bucket's ARN, which is about as long."""
    assert len(json.dumps(policy(storage, "Data"), separators=(",", ":"))) < 16_384


def test_signed_addresses_work_for_minutes(storage: Template) -> None:
    deny = statement(policy(storage, "Data"), "DenyOldSignatures")
    assert (deny["Effect"], deny["Action"], len(deny["Resource"])) == ("Deny", "s3:*", 2)
    assert deny["Condition"] == {"NumericGreaterThan": {"s3:signatureAge": 900_000}}


def test_workers_come_through_the_endpoint_or_not_at_all(
    storage: Template, environment: Any
) -> None:
    sids = {each.get("Sid") for each in policy(storage, "Data")["Statement"]}
    if "source-vpce" in environment.without:
        assert "DenyWorkersOutsideEndpoint" not in sids
        return
    deny = statement(policy(storage, "Data"), "DenyWorkersOutsideEndpoint")
    assert deny["Action"] == "s3:*"
    assert len(deny["Resource"]) == 2
    condition = deny["Condition"]
    assert condition["StringEquals"] == {"aws:PrincipalTag/starburst:role": "worker"}
    assert "EndpointsS3" in json.dumps(condition["StringNotEquals"]["aws:SourceVpce"])
    assert condition["BoolIfExists"] == {"aws:ViaAWSService": "false"}


def test_worker_roles_carry_the_tag_that_the_policy_asks_for(
    templates: Templates, environment: Any
) -> None:
    roles = resources(templates[f"{environment.name}/access"], "AWS::IAM::Role")
    tagged = [
        name
        for name, role in roles.items()
        if {"Key": "starburst:role", "Value": "worker"} in role["Properties"]["Tags"]
    ]
    assert len(tagged) == len(environment.workspaces)


def test_workers_carry_the_tag_that_the_variable_names(
    templates: Templates, environment: Any
) -> None:
    """The role's decides what a worker may read; the definition's is what its cost is booked on."""
    storage = templates[f"{environment.name}/storage"]
    deny = statement(policy(storage, "Data"), "DenyOtherWorkspacesToWorkers")
    assert "/sessions/${aws:PrincipalTag/starburst-workspace}/*" in json.dumps(deny["NotResource"])
    names = {workspace.name for workspace in environment.workspaces}
    for stack, kind in (("access", "AWS::IAM::Role"), ("compute", "AWS::ECS::TaskDefinition")):
        found = resources(templates[f"{environment.name}/{stack}"], kind).values()
        tags = [{tag["Key"]: tag["Value"] for tag in one["Properties"]["Tags"]} for one in found]
        assert {one["starburst-workspace"] for one in tags if _is_workers(one)} == names


def _is_workers(tags: Mapping[str, str]) -> bool:
    return tags.get("starburst:role", "worker") == "worker"


def test_sessions_expire_and_the_controllers_open_records_do_not(
    storage: Template, environment: Any
) -> None:
    rules = {
        rule["Id"]: rule
        for rule in named(storage, "AWS::S3::Bucket", "Data")["LifecycleConfiguration"]["Rules"]
    }
    assert rules["sessions"]["Prefix"] == "sessions/"
    assert rules["sessions"]["ExpirationInDays"] == environment.storage.session_days
    assert rules["control"]["ExpirationInDays"] == CONTROL_DAYS
    assert rules["packages"]["Prefix"] == "packages/"
    assert rules["packages"]["ExpirationInDays"] == environment.storage.wheel_days
    versions = rules["versions"]
    assert "Prefix" not in versions
    assert versions["ExpiredObjectDeleteMarker"] is True
    kept = versions["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert kept == environment.storage.noncurrent_days
    expiring = [rule.get("Prefix", "") for rule in rules.values() if "ExpirationInDays" in rule]
    kept = {
        f"{area}/{workspace.name}/": days
        for workspace in environment.workspaces
        for area, days in (("data", workspace.data_days), ("home", workspace.home_days))
        if days is not None
    }
    assert sorted(expiring) == sorted(["_control/ended/", "packages/", "sessions/", *kept])
    # Nothing else expires because a session does.
    for area in ("data/", "home/", "_control/active/"):
        assert not any(area.startswith(prefix) for prefix in expiring), area
    days = {one.get("Prefix"): one.get("ExpirationInDays") for one in rules.values()}
    assert kept.items() <= days.items()


@pytest.mark.parametrize(("session_days", "packages_days"), [(1, 1), (30, 30), (14, 90)])
def test_a_wheel_outlives_what_may_name_it(session_days: int, packages_days: int) -> None:
    """A session takes a wheel that has its own time and ``packages_days`` before it, or writes it.

    So a wheel in use is written once in ``packages_days``.
    """
    storage = Storage(session_days=session_days, packages_days=packages_days)
    still_taken_at = storage.wheel_days - (session_days + packages_days)
    assert still_taken_at == packages_days


def test_each_workspaces_data_and_homes_are_kept_as_it_says() -> None:
    assert {one.name: one.data_days for one in (*DEV.workspaces, *PROD.workspaces)} == {
        "sandbox": 30,
        "genomics": 730,
        "markets": None,
    }


def test_reads_and_writes_are_logged_elsewhere(storage: Template, environment: Any) -> None:
    data = named(storage, "AWS::S3::Bucket", "Data")
    assert "AccessLogs" in json.dumps(data["LoggingConfiguration"]["DestinationBucketName"])
    logs = named(storage, "AWS::S3::Bucket", "AccessLogs")
    assert "LoggingConfiguration" not in logs
    assert "ObjectLockConfiguration" not in logs
    [rule] = logs["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == environment.storage.access_log_days
    delivery = [
        each
        for each in policy(storage, "AccessLogs")["Statement"]
        if each["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    ]
    for each in delivery:
        assert each["Action"] == "s3:PutObject"
        assert each["Condition"]["StringEquals"]["aws:SourceAccount"] == environment.account
    assert delivery


def test_evidence_can_be_held_and_nothing_is_retained_by_itself(storage: Template) -> None:
    data = named(storage, "AWS::S3::Bucket", "Data")
    assert data["ObjectLockEnabled"] is True
    assert "ObjectLockConfiguration" not in data


def test_each_role_that_touches_data_is_named_in_full(
    templates: Templates, environment: Any
) -> None:
    """No pattern: it would take in a role that anybody makes later (A7)."""
    iam = f"arn:aws:iam::{environment.account}:role"
    kit = {f"{iam}/starburst-{environment.name}-controller"} | {
        f"{iam}/starburst-{environment.name}-{purpose}-{workspace.name}"
        for workspace in environment.workspaces
        for purpose in ("analyst", "steward", "worker")
    }
    broken = {environment.break_glass_role_arn} if environment.production else set()
    named_roles = kit | broken | set(environment.data_role_arns)
    bucket = policy(templates[f"{environment.name}/storage"], "Data")
    key = named(templates[f"{environment.name}/foundation"], "AWS::KMS::Key", "DataKey")
    for document in (bucket, key["KeyPolicy"]):
        denial = statement(document, "DenyOtherPrincipals")
        assert denial["Effect"] == "Deny"
        assert denial["Principal"] == {"AWS": "*"}
        arns = denial["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        assert sorted(arns) == sorted(named_roles)
        assert not any(character in arn for arn in arns for character in "*?$")


def test_what_is_done_to_the_bucket_itself_is_refused_to_nobody_for_who_they_are(
    templates: Templates, environment: Any
) -> None:
    """So no mistake in the list of roles locks anybody out of the bucket, its policy or its end."""
    denial = statement(
        policy(templates[f"{environment.name}/storage"], "Data"), "DenyOtherPrincipals"
    )
    [resource] = listed(denial["Resource"])
    assert json.dumps(resource).endswith('"/*"]]}')
    erasing = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    said = {"Action": "s3:*"} if environment.production else {"NotAction": erasing}
    assert {name: denial[name] for name in ("Action", "NotAction") if name in denial} == said

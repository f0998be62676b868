"""Policies: the simulator's word on a variable, and S3's word to the analyst."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from deploy.rehearsal.asking.check import Finding
from deploy.rehearsal.checks.policies import ANALYST, VARIABLE
from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from tests.first_day.stubs import ACCOUNT, NAME, REGION, SESSION, Stubs, ask, subject

BUCKET = "data-bucket"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "DenyOther", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
        {
            "Sid": "DenyOtherWorkspacesToWorkers",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "NotResource": f"arn:aws:s3:::{BUCKET}/sessions/${{aws:PrincipalTag/workspace}}/*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/starburst:role": "worker"}},
        },
    ],
}


def document() -> str:
    role = f"arn:aws:iam::{ACCOUNT}:role/starburst-{NAME}"
    return RuntimeDocument(
        environment=NAME,
        account=ACCOUNT,
        region=REGION,
        bucket=BUCKET,
        key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
        controller=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:starburst-{NAME}-controller:analysts",
        python="3.11",
        architecture="X86_64",
        workspaces={
            "probe": WorkspaceDocument(
                analyst_role_arn=f"{role}-analyst-probe",
                task_definition=f"starburst-{NAME}-probe",
                limits=Limits(),
                worker_role_arn=f"{role}-worker-probe",
                scratch_gb=21,
            )
        },
    ).to_json()


def published(stubs: Stubs) -> Stubs:
    parameter = {"Parameter": {"Value": document()}}
    return stubs.answers("ssm", "get_parameter", parameter, Name=f"/starburst/{NAME}/runtime")


def simulated(*decisions: str) -> tuple[Finding, list[Any]]:
    stubs = published(Stubs())
    stubs.answers("s3", "get_bucket_policy", {"Policy": json.dumps(POLICY)}, Bucket=BUCKET)
    for decision in decisions:
        result = {"EvalActionName": "s3:GetObject", "EvalDecision": decision}
        stubs.answers("iam", "simulate_custom_policy", {"EvaluationResults": [result]})
    asked: list[Any] = []
    stubs("iam").meta.events.register(
        "provide-client-params.iam.SimulateCustomPolicy", lambda params, **_: asked.append(params)
    )
    finding = ask(VARIABLE, subject(stubs))
    stubs.all_were_asked()
    return finding, asked


def test_a_variable_that_iam_resolves_holds() -> None:
    finding, asked = simulated("allowed", "explicitDeny")
    assert finding.verdict == "held"
    own, other = asked
    assert own["ResourceArns"] == [f"arn:aws:s3:::{BUCKET}/sessions/probe/object"]
    assert other["ResourceArns"] != own["ResourceArns"]
    [policy] = map(json.loads, own["PolicyInputList"])
    assert [one["Effect"] for one in policy["Statement"]] == ["Allow", "Deny"]
    assert not any("Principal" in one for one in policy["Statement"])  # no role may have one
    assert own["ContextEntries"][0] == {
        "ContextKeyName": "aws:PrincipalTag/workspace",
        "ContextKeyValues": ["probe"],
        "ContextKeyType": "string",
    }


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        (("explicitDeny", "explicitDeny"), "in probe: explicitDeny, not allowed"),
        (("allowed", "allowed"), "in somebodyelse: allowed, not explicitDeny"),
    ],
)
def test_a_bucket_that_is_shut_or_open_for_all_is_told(
    decisions: tuple[str, ...], words: str
) -> None:
    finding, _ = simulated(*decisions)
    assert finding.verdict == "did not hold"
    assert words in finding.answer.failed[0]


def called(*refused: str, code: str = "AccessDenied", deployer: bool = False) -> Finding:
    """Let S3 answer the analyst's calls, those that are named are refused; then who deploys."""
    s3 = SESSION.client("s3")
    stubber = Stubber(s3)
    for what, operation, answer in (
        ("write", "put_object", {}),
        ("read", "get_object", {}),
        ("list", "list_objects_v2", {}),
        ("list others", "list_objects_v2", {}),
        ("write to others", "put_object", {}),
    ):
        if what in refused:
            stubber.add_client_error(operation, code, "Access Denied", 403)
        else:
            stubber.add_response(operation, answer)
    versions = {"Versions": [{"VersionId": "v1"}]}
    stubber.add_response("list_object_versions", versions, {"Bucket": BUCKET, "Prefix": ANY})
    stubber.add_response("delete_object", {}, {"Bucket": BUCKET, "Key": ANY, "VersionId": "v1"})

    class Analyst:
        def client(self, service: str, **_: object) -> Any:
            assert service == "s3"
            return s3

    with stubber:
        others = published(Stubs())
        if deployer:
            others.answers("s3", "get_object", {})
        else:
            others.refuses("s3", "get_object", "AccessDenied", status=403)
        about = subject(others, analyst=Analyst)  # type: ignore[arg-type]
        finding = ask(ANALYST, about)
        stubber.assert_no_pending_responses()
    return finding


def test_an_analyst_who_may_use_their_own_folder_alone_holds() -> None:
    finding = called("list others", "write to others")
    assert (finding.verdict, len(finding.answer.held)) == ("held", 6)


def test_who_deploys_and_reads_is_told() -> None:
    finding = called("list others", "write to others", deployer=True)
    assert finding.verdict == "did not hold"
    assert finding.answer.failed == ("who deploys must not read it: allowed",)


def test_an_open_folder_and_a_shut_one_are_told() -> None:
    finding = called("write", "write to others")
    assert finding.verdict == "did not hold"
    assert finding.answer.failed == (
        "the analyst must write in their own folder: AccessDenied: Access Denied",
        "the analyst must not list somebody else's: allowed",
    )


def test_a_refusal_for_another_reason_is_no_protection() -> None:
    finding = called("list others", "write to others", code="NoSuchBucket")
    assert len(finding.answer.failed) == 2

"""Whether AWS puts a principal's tags where the policies name them: simulated, then for real."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import USER, WORKSPACE, Subject
from starburst.aws.calls import client_config, code_of, quoted
from starburst.contract import USER_TAG, RuntimeDocument, runtime_parameter
from starburst.contract.areas import SESSIONS
from starburst_constructs.naming import ROLE_TAG

__all__ = ["ANALYST", "VARIABLE"]

_VARIABLE: Final = re.compile(r"\$\{(aws:PrincipalTag/[^},]+)")
_ROLE: Final = f"aws:PrincipalTag/{ROLE_TAG}"
_SID: Final = "DenyOtherWorkspacesToWorkers"
_REFUSED: Final = frozenset({"AccessDenied", "403"})
_SESSION: Final = "0" * 20
_OTHERS: Final = "somebodyelse"


def _document(subject: Subject) -> RuntimeDocument:
    name = runtime_parameter(subject.environment.name)
    answer = subject.clients("ssm").get_parameter(Name=name)
    return RuntimeDocument.from_json(answer["Parameter"]["Value"])


def _simulate(subject: Subject) -> Answer:
    bucket = _document(subject).bucket
    policy = json.loads(subject.clients("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    [statement] = [each for each in policy["Statement"] if each.get("Sid") == _SID]
    [tag] = set(_VARIABLE.findall(json.dumps(statement)))
    # The simulator takes no bucket policy for a role, so the statement is put beside an Allow.
    alone = {key: value for key, value in statement.items() if key != "Principal"}
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": policy["Version"], "Statement": [everything, alone]})
    held, failed = [], []
    facts: dict[str, object] = {"variable": tag}
    for folder, wanted in ((WORKSPACE, "allowed"), (_OTHERS, "explicitDeny")):
        result = subject.clients("iam").simulate_custom_policy(
            PolicyInputList=[document],
            ActionNames=["s3:GetObject"],
            ResourceArns=[f"arn:aws:s3:::{bucket}/{SESSIONS.prefix(folder)}object"],
            ContextEntries=[_entry(tag, WORKSPACE), _entry(_ROLE, "worker")],
        )["EvaluationResults"][0]
        decision, missing = result["EvalDecision"], result.get("MissingContextValues", [])
        facts[folder] = {"EvalDecision": decision, "MissingContextValues": missing}
        into = held if decision == wanted else failed
        words = f"a worker of {WORKSPACE} reads in {folder}: {decision}"
        into.append(words if decision == wanted else f"{words}, not {wanted}")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _entry(key: str, value: str) -> Mapping[str, Any]:
    return {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}


def _calls(subject: Subject) -> Answer:
    document = _document(subject)
    s3 = subject.analyst().client("s3", config=client_config())
    bucket, own = document.bucket, SESSIONS.prefix(WORKSPACE, USER)
    key = f"{own}{_SESSION}/inputs/first-day"
    others = SESSIONS.prefix(WORKSPACE, _OTHERS)
    calls = (
        ("write in their own folder", True, lambda: _put(s3, bucket, key)),
        ("read there", True, lambda: s3.get_object(Bucket=bucket, Key=key)),
        ("list there", True, lambda: s3.list_objects_v2(Bucket=bucket, Prefix=own)),
        ("list somebody else's", False, lambda: s3.list_objects_v2(Bucket=bucket, Prefix=others)),
        ("write there", False, lambda: _put(s3, bucket, f"{others}{_SESSION}/inputs/first-day")),
    )
    held, failed, facts = [], [], {}
    for what, may, call in calls:
        code, words = _try(call)
        facts[what] = code or "allowed"
        if may == (not code) and (may or code in _REFUSED):
            held.append(f"the analyst may {'' if may else 'not '}{what}")
        else:
            told = f"{code}: {words}" if code else "allowed"
            failed.append(f"the analyst must {'' if may else 'not '}{what}: {told}")
    deployer = subject.clients("s3")
    code, words = _try(lambda: deployer.get_object(Bucket=bucket, Key=key))
    facts["read it with the rights of who deploys"] = code or "allowed"
    if code in _REFUSED:
        held.append("who deploys may not read it")
    else:
        failed.append(f"who deploys must not read it: {f'{code}: {words}' if code else 'allowed'}")
    for each in s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=each.get("VersionId", ""))
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _put(s3: Any, bucket: str, key: str) -> None:  # noqa: ANN401 - boto3's
    s3.put_object(Bucket=bucket, Key=key, Body=b"first day", IfNoneMatch="*")


def _try(call: Any) -> tuple[str, str]:  # noqa: ANN401 - any call of S3
    try:
        call()
    except ClientError as error:
        return code_of(error), quoted(error)
    return "", ""


VARIABLE: Final = Check(
    name="policy variable",
    asks="Does IAM put the workspace's tag into the data bucket's policy?",
    why="A variable that AWS does not resolve shuts the bucket for every worker, or opens it.",
    sources=(
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
    ),
    look=_simulate,
    local=False,
)

ANALYST: Final = Check(
    name="analyst",
    asks=f"May an analyst, by the {USER_TAG} tag, use their own folder alone, and nobody else it?",
    why="A simulation is not S3: the bucket's policy, the key's and the role's must agree.",
    sources=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    ),
    look=_calls,
)

"""The review in the local environment: the real CLI deploys it, it runs, its record is read back.

IAM there has no record of use, so the deployed function says of each role that it was not reviewed.
The same code, in the function's own role, then reviews the roles as they stand, with a stub for the
two calls that the emulator lacks; and what it proposes is judged by the command, of what stands.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from environments import LOCAL
from stacks.addons.access_review.theorems import review_theorems
from starburst.local import LocalEnvironment
from starburst_assurance.proofs.deployed.run import read
from starburst_assurance.proofs.deployed.standing import Standing
from starburst_assurance.proofs.encoding.vocabulary import actions
from starburst_assurance.proofs.review.judging import judge
from starburst_assurance.proofs.review.record import read_review
from starburst_assurance.proofs.review.tracked import Tracked
from tests.addons.access_review.conftest import Waits
from tests.addons.access_review.world import NOW, reference
from tests.e2e.expecting import expected_of
from tests.some import some

STACK = FUNCTION = "starburst-local-accessreview"


class Deployed:
    """The review's stack, and who may look at it."""

    def __init__(self, local: LocalEnvironment, outdir: Path) -> None:
        self.local, self.outdir = local, outdir
        session = local.root_session()
        self.root = lambda name: local.client(session, name)
        found = self.root("cloudformation").describe_stack_resources(StackName=STACK)
        self.made = {each["ResourceType"]: each for each in found["StackResources"]}
        self.bucket = self.made["AWS::S3::Bucket"]["PhysicalResourceId"]

    def read(self, key: str) -> bytes:
        return self.root("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def settings(self) -> dict[str, str]:
        found = self.root("lambda").get_function_configuration(FunctionName=FUNCTION)
        return found["Environment"]["Variables"]

    def standing(self) -> Standing:
        """Return what stands, as ``starburst-prove --review`` reads it."""
        session = self.local.platform_session()

        def client(name: str) -> Any:
            return self.local.client(session, name)

        return read(self.outdir, "local", client, expect=expected_of(self.outdir)).standing()

    def as_function(self) -> Any:
        """Return clients with the credentials of the function's role."""
        arn = f"arn:aws:iam::{LOCAL.account}:role/{FUNCTION}"
        found = self.root("sts").assume_role(RoleArn=arn, RoleSessionName="review")["Credentials"]
        session = boto3.Session(
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
            region_name=LOCAL.region,
        )
        return lambda name: self.local.client(session, name)


@pytest.fixture(scope="module")
def deployed_review(addons_local: LocalEnvironment, here: Path) -> Deployed:
    return Deployed(addons_local, here)


def test_it_is_deployed_invoked_and_its_record_says_that_nothing_was_reviewed(
    deployed_review: Deployed,
) -> None:
    answer = deployed_review.root("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    record = json.loads(deployed_review.read(said["key"]))
    assert record["environment"] == "local"
    verdicts = {one["arn"].rpartition("/")[2]: one for one in record["roles"]}
    assert {"starburst-local-controller", "starburst-local-worker-demo", FUNCTION} <= set(verdicts)
    assert {one["verdict"] for one in verdicts.values()} == {"not reviewed"}
    assert {len(one["policies"]) for one in verdicts.values()} == {0}
    table = deployed_review.read(said["key"].replace(".json", ".csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert {row["verdict"] for row in rows} == {"not reviewed"}
    answer = deployed_review.root("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
    again = json.loads(answer["Payload"].read())
    assert (again["made"], again["told"]) == (False, False)


class Recorded:
    """IAM of the emulator, with the two calls that it lacks: all was used, but one action."""

    def __init__(self, iam: Any, unused: str) -> None:
        self._iam = iam
        services: dict[str, list[dict[str, Any]]] = {}
        for action in actions():
            service, _, name = action.partition(":")
            used = {} if action == unused else {"LastAccessedTime": NOW}
            services.setdefault(service, []).append({"ActionName": name, **used})
        wanted = ("access-analyzer", "iam", "kms", "logs", "s3")
        self._services = [
            {"ServiceNamespace": one, "TrackedActionsLastAccessed": services[one]} for one in wanted
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iam, name)

    def generate_service_last_accessed_details(self, **asked: str) -> dict[str, str]:
        return {"JobId": asked["Arn"]}

    def get_service_last_accessed_details(self, **_: Any) -> dict[str, Any]:
        return {
            "JobStatus": "COMPLETED",
            "JobType": "ACTION_LEVEL",
            "ServicesLastAccessed": self._services,
        }


def test_in_its_own_role_it_reviews_what_stands_and_its_proposal_is_proved_of_that(
    deployed_review: Deployed,
    modules: Mapping[str, ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    handler, own, waits = modules["handler"], deployed_review.as_function(), Waits()
    fetch = reference()
    monkeypatch.setattr(handler, "fetch_from", lambda _: fetch)
    unused = "iam:GetPolicyVersion"
    said_of_it: list[str] = []
    said = handler.run(
        {"round": 2},
        clients=lambda name: Recorded(own(name), unused) if name == "iam" else own(name),
        settings=deployed_review.settings(),
        now=datetime.now(UTC) + timedelta(days=91),
        waiting=handler.Waiting(left=waits.left, pause=waits.pause),
        by=FUNCTION,
        say=said_of_it.append,
    )
    [line] = said_of_it
    assert json.loads(line)["roles"]["narrower"] == 1
    path = tmp_path / "review.json"
    path.write_bytes(deployed_review.read(said["key"]))
    review = read_review(path)
    assert some(review.verdicts.values())
    assert "not reviewed" not in review.verdicts.values()
    [proposal] = review.proposals
    assert proposal.role.endswith(f"role/{FUNCTION}")
    standing = deployed_review.standing()
    verdicts, [one] = judge(
        standing.policy_set,
        [proposal],
        [one for one in review_theorems() if one.name == "the_review_can_do_its_work"],
        tracked=Tracked(fetch),
        unread=standing.unread,
    )
    assert [each.answer for each in verdicts] == ["proved"]
    assert one.withdrawn == ""
    [document] = one.documents.values()
    assert unused not in json.dumps(document)


def test_nobody_else_and_nothing_twice_is_written_there(deployed_review: Deployed) -> None:
    own = deployed_review.as_function()("s3")
    where = {"Bucket": deployed_review.bucket, "Key": "reviews/2000-Q1/1/review.json"}
    with pytest.raises(ClientError, match="AccessDenied"):
        own.put_object(**where, Body=b"{}")
    own.put_object(**where, Body=b"{}", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        own.put_object(**where, Body=b"[]", IfNoneMatch="*")
    platform = deployed_review.local.client(deployed_review.local.platform_session(), "s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        platform.put_object(**{**where, "Key": "reviews/x"}, Body=b"{}", IfNoneMatch="*")

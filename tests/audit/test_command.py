"""The command tells findings and what it could not see, and its exit code says which."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from deploy.audit.checks import CHECKS
from deploy.audit.command import audit, main
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.identity.auditing import auditor_document
from starburst_constructs.placement import Placement
from tests.audit.scene import Scene

DEV = ["--environment", "dev"]

REFUSED = [
    ("cloudformation", "get_template", "stacks"),
    ("cloudformation", "detect_stack_drift", "drift"),
    ("iam", "get_account_summary", "people"),
    ("s3", "get_bucket_encryption", "buckets"),
    ("kms", "get_key_rotation_status", "keys"),
    ("ec2", "describe_subnets", "subnets"),
    ("ec2", "describe_vpc_endpoints", "endpoints"),
    ("ec2", "describe_security_groups", "security groups"),
    ("cloudtrail", "describe_trails", "trail"),
    ("logs", "describe_log_groups", "log groups"),
    ("budgets", "describe_budget", "budgets"),
    ("ssm", "get_parameter", "limits"),
    ("ecr", "describe_repositories", "images"),
    ("s3", "get_bucket_policy", "public exposure"),
    ("lambda", "get_policy", "invokers"),
    ("lambda", "invoke", "orphans"),
]


@pytest.fixture
def run(scene: Scene) -> Callable[..., int]:
    def command(*words: str) -> int:
        return main(
            [*DEV, *words],
            clients=lambda service: scene.made[service],
            expected=lambda _: scene.subject.expected,
        )

    return command


@pytest.mark.parametrize(("service", "call", "check"), REFUSED, ids=str)
def test_a_call_that_is_denied_is_told_and_never_passed_over(
    scene: Scene, service: str, call: str, check: str
) -> None:
    scene.refuse(service, call)
    found = audit(scene.subject)
    assert check in found.unseen
    assert "not for you" in found.unseen[check]
    assert found.code == 2
    assert not any(found.findings.values())


def test_drift_that_cloudformation_could_not_detect_was_not_seen(scene: Scene) -> None:
    scene.formation.detection = ["DETECTION_IN_PROGRESS", "DETECTION_FAILED"]
    assert "no permission to read a key" in audit(scene.subject).unseen["drift"]


def test_drift_that_takes_for_ever_was_not_seen(scene: Scene) -> None:
    moments = iter(range(0, 100_000, 400))
    scene.formation.detection = ["DETECTION_IN_PROGRESS"] * 50
    scene.subject.clock = lambda: float(next(moments))
    scene.officers.ended, scene.officers.active = {}, {}
    assert "drift" in audit(scene.subject, [one for one in CHECKS if one.name == "drift"]).unseen


def test_a_record_that_cannot_be_read_leaves_orphans_unseen(scene: Scene) -> None:
    scene.officers.unread = [{"session": "x", "why": "it is damaged"}]
    assert "it is damaged" in audit(scene.subject).unseen["orphans"]


def test_findings_before_a_refusal_count(
    scene: Scene, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    scene.s3.delete_bucket_encryption(Bucket=scene.ids["Bucket"])
    scene.refuse("s3", "get_bucket_versioning")
    assert run() == 2
    told = capsys.readouterr()
    assert "buckets: bucket starburst-dev-storage-data encrypts with nothing" in told.out
    assert "buckets: cannot look at all of it (get_bucket_versioning: " in told.err


def test_clean_and_found_have_their_own_codes(
    scene: Scene, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    said = capsys.readouterr().out
    assert said.startswith(f"dev: 0 findings; {len(CHECKS)} of {len(CHECKS)} checks found nothing")
    assert "Items 14, 15, 16, 17, 18 of the checklist are yours" in said
    scene.kms.disable_key_rotation(KeyId=scene.ids["Key"])
    assert run() == 1
    assert "does not rotate; one piece of key material" in capsys.readouterr().out


def test_json_has_every_check_with_its_items(
    scene: Scene, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    scene.kms.disable_key_rotation(KeyId=scene.ids["Key"])
    scene.refuse("iam", "list_users")
    assert run("--json") == 2
    said = json.loads(capsys.readouterr().out)
    checks = {one["check"]: one for one in said["checks"]}
    assert list(checks) == [one.name for one in CHECKS]
    assert checks["keys"]["findings"][0].keys() == {"resource", "what", "why", "do"}
    assert checks["people"]["unseen"]
    items = {item for one in said["checks"] for item in one["items"]} | set(said["yours"])
    assert items == set(range(1, 19))


def test_the_permission_is_a_policy_of_known_actions(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--permission") == 0
    printed = json.loads(capsys.readouterr().out)
    policy = Policy.parse("who audits", printed)
    assert list(complaints(policy)) == []
    assert "s3:GetObject" not in json.dumps(printed)
    placement = Placement(account="444455556666", region="eu-west-1")
    assert printed == auditor_document("dev", placement=placement)


def test_an_environment_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--environment", "nowhere"]) == 2
    assert "no environment is called nowhere" in capsys.readouterr().err

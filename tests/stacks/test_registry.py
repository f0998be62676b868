"""Tags never move, images are scanned, and no rule can expire a release."""

from __future__ import annotations

import json
from typing import Any

import pytest

from environments import ALL
from tests.some import some
from tests.stacks.reading import Template, only, resources, statement


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def environment(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def registry(templates: dict[str, Template], environment: Any) -> Template:
    return templates[f"{environment.name}/registry"]


def test_tags_never_move_and_images_are_encrypted_and_scanned(registry: Template) -> None:
    repository = only(registry, "AWS::ECR::Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    encryption = repository["EncryptionConfiguration"]
    assert encryption["EncryptionType"] == "KMS"
    assert "DataKey" in json.dumps(encryption["KmsKey"])


def test_images_go_with_the_repository_in_a_test_environment_alone(
    registry: Template, environment: Any
) -> None:
    repository = only(registry, "AWS::ECR::Repository")
    assert repository.get("EmptyOnDelete") is (None if environment.production else True)


def test_no_rule_can_expire_a_release(registry: Template) -> None:
    """ECR spares an image that a rule of higher priority covers; the first covers releases."""
    text = only(registry, "AWS::ECR::Repository")["LifecyclePolicy"]["LifecyclePolicyText"]
    rules = sorted(json.loads(text)["rules"], key=lambda rule: rule["rulePriority"])
    first = rules[0]["selection"]
    assert first["tagStatus"] == "tagged"
    assert first["tagPrefixList"] == ["release-"]
    assert first["countType"] == "imageCountMoreThan"
    assert first["countNumber"] >= 1000
    for rule in some(rules[1:]):
        selection = rule["selection"]
        assert selection["tagStatus"] != "any"
        assert selection.get("tagPrefixList", ["candidate-"]) == ["candidate-"]


def test_candidates_and_untagged_images_go(registry: Template) -> None:
    """The newest 20 candidates stay, and what has no tag goes after 14 days (S33)."""
    text = only(registry, "AWS::ECR::Repository")["LifecyclePolicy"]["LifecyclePolicyText"]
    _, candidates, untagged = sorted(json.loads(text)["rules"], key=lambda one: one["rulePriority"])
    assert candidates["selection"] == {
        "tagStatus": "tagged",
        "tagPrefixList": ["candidate-"],
        "countType": "imageCountMoreThan",
        "countNumber": 20,
    }
    assert untagged["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countNumber": 14,
        "countUnit": "days",
    }
    assert [one["action"] for one in (candidates, untagged)] == [{"type": "expire"}] * 2


def test_strangers_cannot_pull(registry: Template, environment: Any) -> None:
    policy = only(registry, "AWS::ECR::Repository")["RepositoryPolicyText"]
    deny = statement(policy, "DenyStrangers")
    assert (deny["Effect"], deny["Action"], deny["Principal"]) == ("Deny", "ecr:*", {"AWS": "*"})
    assert deny["Condition"] == {
        "StringNotEquals": {"aws:PrincipalAccount": environment.account},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }


def test_the_registry_is_scanned_continuously(registry: Template, environment: Any) -> None:
    kind = "AWS::ECR::RegistryScanningConfiguration"
    if "registry-scanning" in environment.without:
        assert resources(registry, kind) == {}
        return
    scanning = only(registry, kind)
    assert scanning["ScanType"] == "ENHANCED"
    assert [rule["ScanFrequency"] for rule in scanning["Rules"]] == ["CONTINUOUS_SCAN"]
    # To delete it would disable Inspector for the whole account.
    [body] = resources(registry, kind).values()
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("Retain", "Retain")

"""Each finding about what is kept up, and cleared away, is provoked once, alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploy.audit.command import audit
from tests.audit.fakes import ACCOUNT, ACTIVE, ENDED, ENDPOINTS, MAIN, NAME, NOW
from tests.audit.scene import NOTIFICATION, Scene, register
from tests.audit.spoiling import Spoil, expect_alone, found


def expect(key: str, value: Any) -> Spoil:
    """Have the code say something else, and so what is deployed differ."""

    def spoil(scene: Scene) -> None:
        scene.expected[MAIN]["Resources"][key]["Properties"] |= value

    return spoil


def drift(scene: Scene) -> None:
    scene.formation.drifts[MAIN] = [
        {
            "ResourceType": "AWS::EC2::SecurityGroup",
            "LogicalResourceId": "Group",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [{"PropertyPath": "/SecurityGroupIngress/0"}],
        }
    ]
    scene.formation.detection = ["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"]


def deleted(scene: Scene) -> None:
    scene.formation.drifts[MAIN] = [
        {
            "ResourceType": "AWS::Logs::LogGroup",
            "LogicalResourceId": "Log",
            "StackResourceDriftStatus": "DELETED",
        }
    ]


def other_limits(scene: Scene) -> None:
    document = scene.parameters.document
    name, own = next(iter(document.workspaces.items()))
    more = replace(own, limits=replace(own.limits, workers=own.limits.workers - 1))
    scene.parameters.document = replace(document, workspaces={**document.workspaces, name: more})


def no_workspace(scene: Scene) -> None:
    document = scene.parameters.document
    rest = dict(list(document.workspaces.items())[1:])
    scene.parameters.document = replace(document, workspaces=rest)


def no_notification(scene: Scene) -> None:
    scene.budgets.delete_notification(
        AccountId=ACCOUNT, BudgetName=scene.ids["Budget"], Notification=NOTIFICATION
    )


def no_budget(scene: Scene) -> None:
    scene.budgets.delete_budget(AccountId=ACCOUNT, BudgetName=scene.ids["Budget"])


def left_open(scene: Scene) -> None:
    network = replace(scene.subject.environment.network, endpoints="while_bursting")
    scene.subject.environment = replace(scene.subject.environment, network=network)
    scene.formation.bursting, scene.officers.active = "on", {}
    scene.officers.ended = {ENDED: NOW - 3 * 3600}
    url = scene.sqs.get_queue_url(QueueName=f"starburst-{NAME}-genomics-{ACTIVE}")["QueueUrl"]
    scene.sqs.delete_queue(QueueUrl=url)


def late(scene: Scene) -> None:
    days = scene.subject.environment.storage.session_days + 3
    scene.officers.ended[ENDED] = NOW - days * 86_400


def nobodys(scene: Scene) -> None:
    """The controller knows nothing of it, and it is old."""
    days = scene.subject.environment.storage.session_days + 3
    scene.officers.ended = {}
    scene.subject.clock = lambda: NOW + days * 86_400


def a_worker(scene: Scene) -> None:
    class Ecs:
        def __getattr__(self, name: str) -> Any:
            return getattr(ecs, name)

        def get_paginator(self, name: str) -> Any:
            return self if name == "list_tasks" else ecs.get_paginator(name)

        def paginate(self, **_: Any) -> Any:
            return [{"taskArns": ["arn:t/1", "arn:t/2"]}]

        def describe_tasks(self, **_: Any) -> Any:
            return {
                "tasks": [
                    {"taskArn": "arn:t/1", "startedBy": ACTIVE},
                    {"taskArn": "arn:t/2", "startedBy": "somebody"},
                ]
            }

    ecs = scene.made["ecs"]
    scene.made["ecs"] = Ecs()


CASES: list[tuple[str, str, Spoil]] = [
    (
        "stacks",
        "stack starburst-dev-other is not deployed",
        lambda s: s.expected.update({f"starburst-{NAME}-other": {"Resources": {}}}),
    ),
    ("stacks", "its code is gone", lambda s: s.expected.pop(ENDPOINTS)),
    (
        "stacks",
        "is UPDATE_ROLLBACK_FAILED",
        lambda s: s.formation.status.update({MAIN: "UPDATE_ROLLBACK_FAILED"}),
    ),
    ("stacks", "another template (Vpc)", expect("Vpc", {"CidrBlock": "10.1.0.0/16"})),
    ("drift", "was changed by hand (/SecurityGroupIngress/0)", drift),
    ("drift", "was deleted by hand", deleted),
    (
        "trail",
        "trail starburst-dev records nothing now",
        lambda s: s.cloudtrail.stop_logging(Name="starburst-dev"),
    ),
    (
        "trail",
        "records one Region alone",
        lambda s: s.cloudtrail.update_trail(Name="starburst-dev", IsMultiRegionTrail=False),
    ),
    (
        "trail",
        "signs no digest",
        lambda s: s.cloudtrail.update_trail(Name="starburst-dev", EnableLogFileValidation=False),
    ),
    (
        "trail",
        "has no trail of all Regions",
        lambda s: s.cloudtrail.delete_trail(Name="starburst-dev"),
    ),
    (
        "log groups",
        "keeps lines for 7 days, and its code says 30",
        lambda s: s.logs.put_retention_policy(logGroupName=s.ids["Log"], retentionInDays=7),
    ),
    (
        "log groups",
        "keeps lines for ever, not days",
        lambda s: s.logs.delete_retention_policy(logGroupName=s.ids["Log"]),
    ),
    ("log groups", "is gone", lambda s: s.logs.delete_log_group(logGroupName=s.ids["Log"])),
    ("budgets", "is gone", no_budget),
    ("budgets", "tells nobody", no_notification),
    ("limits", "has other limits in the runtime document", other_limits),
    ("limits", "is not in the runtime document", no_workspace),
    (
        "images",
        "is not scanned",
        lambda s: s.ecr.put_image_scanning_configuration(
            repositoryName=s.ids["Repository"], imageScanningConfiguration={"scanOnPush": False}
        ),
    ),
    (
        "images",
        "lets a tag move",
        lambda s: s.ecr.put_image_tag_mutability(
            repositoryName=s.ids["Repository"], imageTagMutability="MUTABLE"
        ),
    ),
    (
        "images",
        "keeps every image for ever",
        lambda s: s.ecr.delete_lifecycle_policy(repositoryName=s.ids["Repository"]),
    ),
    (
        "orphans",
        f"queue starburst-{NAME}-genomics-{'q' * 20} belongs to no session",
        lambda s: s.sqs.create_queue(QueueName=f"starburst-{NAME}-genomics-{'q' * 20}"),
    ),
    ("orphans", "worker 2 belongs to no session", a_worker),
    ("orphans", f"prefix sessions/genomics/alice/{ENDED}/ has objects", late),
    ("orphans", f"prefix sessions/genomics/alice/{ENDED}/ has objects", nobodys),
    (
        "orphans",
        "log group /aws/ecs/starburst/dev/gone belongs to no stack",
        lambda s: s.logs.create_log_group(logGroupName=f"/aws/ecs/starburst/{NAME}/gone"),
    ),
    (
        "orphans",
        "task definition starburst-dev-gone belongs to no stack",
        lambda s: register(s.ecs, f"starburst-{NAME}-gone"),
    ),
    ("endpoints left open", "keeps its endpoints open", left_open),
]


@pytest.mark.parametrize(
    ("check", "words", "spoil"), CASES, ids=[f"{check}: {words}" for check, words, _ in CASES]
)
def test_what_is_spoiled_is_found_alone(scene: Scene, check: str, words: str, spoil: Spoil) -> None:
    expect_alone(scene, spoil, check=check, words=words)


def test_drift_is_told_of_every_page(scene: Scene) -> None:
    drift(scene)
    changed = scene.formation.drifts[MAIN]
    deleted(scene)
    scene.formation.drifts[MAIN] += changed
    assert [one.what.partition(" (")[0] for _, one in found(scene)] == [
        "was deleted by hand",
        "was changed by hand",
    ]


def test_another_trail_of_all_regions_does_where_the_environment_has_none(scene: Scene) -> None:
    for templates in (scene.expected, scene.formation.templates):
        del templates[MAIN]["Resources"]["Trail"]
    del scene.formation.physical[MAIN]["Trail"]
    assert audit(scene.subject).code == 0
    scene.cloudtrail.stop_logging(Name="starburst-dev")
    [(name, one)] = found(scene)
    assert (name, one.what) == ("trail", "records nothing now")


def test_a_young_prefix_of_nobody_is_a_session_that_begins(scene: Scene) -> None:
    scene.officers.ended = {}
    assert audit(scene.subject).code == 0


def test_a_session_that_ran_a_moment_ago_keeps_endpoints_open(scene: Scene) -> None:
    left_open(scene)
    scene.officers.ended = {ENDED: NOW - 60}
    assert audit(scene.subject).code == 0

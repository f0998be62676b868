"""What nobody uses any more: queues, workers, objects, log groups, task definitions, endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from deploy.audit.subject import Check, Finding, Subject
from deploy.changing.workers import living
from deploy.incident.command import IncidentError, Scope, runtime
from deploy.spending.officers import ask
from starburst.contract import SESSION_ID
from starburst.contract.areas import SESSIONS
from starburst_constructs.naming import cluster_names, controller_log_name, endpoints_stack_name

__all__ = ["LEFT_OPEN", "ORPHANS"]

_DAY: Final = 86_400.0
_LATE_DAYS: Final = 2
"""S3 expires objects once a day, and says that it may lag."""

_QUIET_SECONDS: Final = 2 * 3600.0
_LISTED: Final = 1000


def _orphans(subject: Subject) -> Iterator[Finding]:
    active, ended = _sessions(subject, "active"), _sessions(subject, "ended")
    yield from _queues(subject, active)
    yield from _workers(subject, active)
    yield from _objects(subject, active, ended)
    yield from _log_groups(subject)
    yield from _task_definitions(subject)


def _sessions(subject: Subject, folder: str) -> dict[str, float]:
    """Return the ids of sessions as the controller tells them, and when each ended."""
    about = Scope(environment=subject.environment, workspaces=(), whole=True)
    found: dict[str, float] = {}
    after = ""
    while True:
        answer = ask(about, subject.client, "sessions", folder=folder, after=after, since=0)
        for one in answer["sessions"]:
            found[one["session"]] = one["ended"] or 0.0
        for one in answer["unread"]:
            raise IncidentError(
                f"the record of session {one['session']} cannot be read ({one['why']}), so what "
                "belongs to no session is not known"
            )
        following = answer["next"]
        if not following or following <= after:
            return found
        after = following


def _queues(subject: Subject, active: dict[str, float]) -> Iterator[Finding]:
    prefix = f"starburst-{subject.environment.name}-"
    session = re.compile(rf"{re.escape(prefix)}[a-z0-9]+-([a-z0-9]{{20}})")
    pages = subject.client("sqs").get_paginator("list_queues")
    for page in pages.paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": _LISTED}):
        for url in page.get("QueueUrls", ()):
            found = session.fullmatch(url.rpartition("/")[2])
            if found and found[1] not in active:
                yield Finding(
                    resource=f"queue {url.rpartition('/')[2]}",
                    what="belongs to no session that runs",
                    why="inputs of an analyst may be in it",
                    do="delete it, if the controller's next sweep does not",
                )


def _workers(subject: Subject, active: dict[str, float]) -> Iterator[Finding]:
    environment = subject.environment
    for cluster in cluster_names(environment.name, environment.own_clusters):
        for task in living(subject.client("ecs"), cluster):
            if task.get("startedBy", "") not in active:
                yield Finding(
                    resource=f"worker {task['taskArn'].rpartition('/')[2]}",
                    what="belongs to no session that runs",
                    why="it costs money, and may be a thief's",
                    do="see in the trail who started it, then stop it",
                )


def _objects(
    subject: Subject, active: dict[str, float], ended: dict[str, float]
) -> Iterator[Finding]:
    s3, bucket = subject.client("s3"), runtime(subject.environment, subject.client).bucket
    days = subject.environment.storage.session_days + _LATE_DAYS
    oldest = subject.clock() - days * _DAY

    def below(prefix: str) -> Iterator[str]:
        pages = s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
            yield from (one["Prefix"] for one in page.get("CommonPrefixes", ()))

    for workspace in below(SESSIONS.prefix()):
        for user in below(workspace):
            for prefix in below(user):
                session = prefix.rstrip("/").rpartition("/")[2]
                if not SESSION_ID.fullmatch(session) or session in active:
                    continue
                since = ended.get(session)
                if since is None:
                    first = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
                    found = first.get("Contents", [])
                    since = found[0]["LastModified"].timestamp() if found else subject.clock()
                if since < oldest:
                    yield Finding(
                        resource=f"prefix {prefix}",
                        what=f"has objects {days} days after its session ended",
                        why="what a session leaves goes after its time, or is held on purpose",
                        do="see whether a hold keeps it, else erase it with python -m deploy.erase",
                    )


def _log_groups(subject: Subject) -> Iterator[Finding]:
    name = subject.environment.name
    own = {one.physical for one in subject.resources if one.kind == "AWS::Logs::LogGroup"}
    pages = subject.client("logs").get_paginator("describe_log_groups")
    for prefix in (f"/aws/ecs/starburst/{name}/", controller_log_name(name), f"starburst-{name}-"):
        for page in pages.paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                if group["logGroupName"] not in own:
                    yield Finding(
                        resource=f"log group {group['logGroupName']}",
                        what="belongs to no stack",
                        why="its lines have neither the environment's key nor its retention",
                        do="delete it once nobody needs it",
                    )


def _task_definitions(subject: Subject) -> Iterator[Finding]:
    families = {
        one.physical.rpartition("/")[2].partition(":")[0]
        for one in subject.resources
        if one.kind == "AWS::ECS::TaskDefinition"
    }
    pages = subject.client("ecs").get_paginator("list_task_definition_families")
    prefix = f"starburst-{subject.environment.name}-"
    for page in pages.paginate(familyPrefix=prefix, status="ACTIVE"):
        for family in page["families"]:
            if family not in families:
                yield Finding(
                    resource=f"task definition {family}",
                    what="belongs to no stack",
                    why="a worker of it would run with a role that nobody judges",
                    do="deregister all of its revisions",
                )


def _left_open(subject: Subject) -> Iterator[Finding]:
    if subject.environment.network.endpoints != "while_bursting":
        return
    name = endpoints_stack_name(subject.environment.name)
    if name not in subject.stacks:  # another check tells
        return
    [stack] = subject.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", ())}
    changed = stack.get("LastUpdatedTime", stack["CreationTime"]).timestamp()
    quiet = subject.clock() - _QUIET_SECONDS
    if values.get("Bursting") != "on" or changed > quiet or _sessions(subject, "active"):
        return
    if any(moment > quiet for moment in _sessions(subject, "ended").values()):
        return
    yield Finding(
        resource=f"stack {name}",
        what="keeps its endpoints open, and no session has run for two hours",
        why="they cost money by the hour",
        do="see the controller's log for why it does not close them",
    )


ORPHANS: Final = Check(name="orphans", look=_orphans)
LEFT_OPEN: Final = Check(name="endpoints left open", look=_left_open)

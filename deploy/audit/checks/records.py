"""Whether a trail of all Regions records, and log groups keep what their code says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from deploy.audit.subject import Check, Finding, Subject

__all__ = ["LOG_GROUPS", "TRAIL"]

_NOBODY: Final = "what somebody does is recorded nowhere"


def _trail(subject: Subject) -> Iterator[Finding]:
    cloudtrail = subject.client("cloudtrail")
    own = {one.physical for one, _ in subject.of_kind("AWS::CloudTrail::Trail")}
    trails = cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
    ours = [one for one in trails if one["Name"] in own or one.get("TrailARN") in own]
    # Where the environment has none, the organization's or another of the account must do.
    wanted = ours if own else [one for one in trails if one.get("IsMultiRegionTrail")]
    if not wanted:
        yield Finding(
            resource=f"account {subject.environment.account}",
            what="has no trail of all Regions",
            why=_NOBODY,
            do="deploy the audit stack, or have the organization's trail cover the account",
        )
        return
    problems = {one["Name"]: list(_of(cloudtrail, one)) for one in wanted}
    # One good trail of others is enough; each of ours must be good.
    if not own and not all(problems.values()):
        return
    for name, found in problems.items():
        for what in found:
            yield Finding(
                resource=f"trail {name}",
                what=what,
                why=_NOBODY if "record" in what else "what is recorded proves less",
                do="deploy the audit stack again, and see in its bucket what was last recorded",
            )


def _of(cloudtrail: Any, trail: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401 - any client
    if not trail.get("IsMultiRegionTrail"):
        yield "records one Region alone"
    if not trail.get("LogFileValidationEnabled"):
        yield "signs no digest of its files"
    if not trail.get("KmsKeyId"):
        yield "encrypts its files with no key of the environment"
    if not cloudtrail.get_trail_status(Name=trail.get("TrailARN", trail["Name"]))["IsLogging"]:
        yield "records nothing now"


def _log_groups(subject: Subject) -> Iterator[Finding]:
    logs = subject.client("logs")
    for one, wanted in subject.of_kind("AWS::Logs::LogGroup"):
        answer = logs.describe_log_groups(logGroupNamePrefix=one.physical)
        group = next((g for g in answer["logGroups"] if g["logGroupName"] == one.physical), None)
        resource = f"log group {one.physical}"
        if group is None:
            yield Finding(
                resource=resource,
                what="is gone",
                why=_NOBODY,
                do="see in the trail who deleted it, then deploy its stack again",
            )
            continue
        days, kept = wanted.get("RetentionInDays"), group.get("retentionInDays")
        if days != kept:
            yield Finding(
                resource=resource,
                what=f"keeps lines for {kept or 'ever, not'} days, and its code says {days}",
                why="evidence goes too early, or data stay too long",
                do="set its retention again",
            )
        if "KmsKeyId" in wanted and not group.get("kmsKeyId"):
            yield Finding(
                resource=resource,
                what="is encrypted with no key of the environment",
                why="who may read the log is then said by its policy alone",
                do="associate the key again",
            )


TRAIL: Final = Check(name="trail", look=_trail, items=(8,))
LOG_GROUPS: Final = Check(name="log groups", look=_log_groups, items=(9,))

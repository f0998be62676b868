"""Whether the trail delivers its files and its log."""

from __future__ import annotations

from typing import Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject

__all__ = ["TRAIL"]

_ERRORS: Final = (
    "LatestDeliveryError",
    "LatestCloudWatchLogsDeliveryError",
    "LatestDigestDeliveryError",
    "LatestNotificationError",
)
_TIMES: Final = {
    "LatestDeliveryTime": "files to the bucket",
    "LatestCloudWatchLogsDeliveryTime": "events to the log group",
}


def _look(subject: Subject) -> Answer:
    trails = subject.resources("AWS::CloudTrail::Trail")
    if not trails:
        return Answer(held=("the environment has no trail of its own",))
    held, failed, pending, facts = [], [], [], {}
    for each in trails:
        status = subject.clients("cloudtrail").get_trail_status(Name=each.physical)
        told = ("IsLogging", *_ERRORS, *_TIMES)
        facts[each.physical] = {name: str(status[name]) for name in told if name in status}
        if not status.get("IsLogging"):
            failed.append(f"{each.physical}: it does not log")
        failed += [
            f"{each.physical}: {name}: {status[name]}" for name in _ERRORS if status.get(name)
        ]
        for name, what in _TIMES.items():
            into = held if status.get(name) else pending
            into.append(f"{each.physical}: {what}{'' if status.get(name) else ': none yet'}")
    return Answer(held=tuple(held), failed=tuple(failed), pending=tuple(pending), facts=facts)


TRAIL: Final = Check(
    name="trail",
    asks="Does CloudTrail deliver files and events, without an error?",
    why="A key or bucket policy that CloudTrail cannot use shows in the trail's status alone.",
    sources=(
        "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html",
        "https://docs.aws.amazon.com/kms/latest/developerguide/services-cloudtrail.html",
    ),
    look=_look,
    within=900,
    local=False,
)

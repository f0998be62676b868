"""Whether flow logs are delivered: their status, and that records arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject

__all__ = ["RECORDS", "STATUS"]

_API: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html"
_SHOWN: Final = 3


def _logs(subject: Subject) -> list[Mapping[str, Any]]:
    ids = [each.physical for each in subject.resources("AWS::EC2::FlowLog")]
    if not ids:
        return []
    return subject.clients("ec2").describe_flow_logs(FlowLogIds=ids)["FlowLogs"]


def _status(subject: Subject) -> Answer:
    held, failed, pending, facts = [], [], [], {}
    logs = _logs(subject)
    for log in logs:
        name, status = log["FlowLogId"], log.get("DeliverLogsStatus", "")
        message, destination = log.get("DeliverLogsErrorMessage", ""), log.get("LogDestination", "")
        facts[name] = {
            "FlowLogStatus": log.get("FlowLogStatus", ""),
            "DeliverLogsStatus": status,
            "DeliverLogsErrorMessage": message,
            "LogGroupName": log.get("LogGroupName", ""),
            "LogDestination": destination,
        }
        if destination.endswith(":*"):
            failed.append(f"{name}: its destination ends in ':*', which is no log group's ARN")
        if status == "FAILED" or message:
            failed.append(f"{name}: delivery {status or 'unknown'}: {message or 'no message'}")
        elif status == "SUCCESS" and log.get("FlowLogStatus") == "ACTIVE":
            held.append(f"{name}: active, delivery SUCCESS")
        else:
            pending.append(f"{name}: EC2 says nothing of its delivery yet")
    if not logs:
        failed.append("the VPC has no flow log")
    return Answer(held=tuple(held), failed=tuple(failed), pending=tuple(pending), facts=facts)


def _records(subject: Subject) -> Answer:
    group = next((name for log in _logs(subject) if (name := _group(log))), "")
    if not group:
        return Answer(failed=("no flow log names a log group",))
    answer = subject.clients("logs").filter_log_events(logGroupName=group, limit=50)
    records = [event["message"] for event in answer.get("events", [])]
    facts: dict[str, object] = {"log group": group, "records": len(records)}
    if not records:
        return Answer(pending=(f"{group}: no record yet",), facts=facts)
    # Fields, not addresses: what arrives is told by its form.
    facts["fields"] = [len(record.split()) for record in records[:_SHOWN]]
    return Answer(held=(f"{group}: {len(records)} records or more",), facts=facts)


def _group(log: Mapping[str, Any]) -> str:
    named = log.get("LogGroupName", "")
    arn = log.get("LogDestination", "").removesuffix(":*")
    return named or arn.rpartition(":log-group:")[2]


STATUS: Final = Check(
    name="flow log status",
    asks="Does EC2 deliver the VPC's flow log?",
    why="A destination ARN that ends in ':*', or a role that may not write, delivers nothing and "
    "fails no deployment.",
    sources=(_API, "https://github.com/awsdocs/aws-cloudformation-user-guide/pull/306"),
    look=_status,
    within=600,
    local=False,
)

RECORDS: Final = Check(
    name="flow log records",
    asks="Do records of flows arrive in the log group?",
    why="A status says that nothing failed; a record says that it works.",
    sources=(_API,),
    look=_records,
    within=900,
    worker=True,
    local=False,
)

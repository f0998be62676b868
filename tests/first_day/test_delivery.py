"""Flow logs, State Manager and the trail: what AWS says of them where they work, and where not."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.rehearsal.checks.default_group import DEFAULT_GROUP
from deploy.rehearsal.checks.flow_logs import RECORDS, STATUS
from deploy.rehearsal.checks.trail import TRAIL
from tests.first_day.stubs import ACCOUNT, REGION, THEN, Stubs, Time, ask, subject

FLOW = ("AWS::EC2::FlowLog", "FlowLog", "fl-1")
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:flows"


def flow_log(**fields: Any) -> dict[str, Any]:
    log = {"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE", "LogGroupName": "flows", **fields}
    return {"FlowLogs": [log]}


def test_a_flow_log_that_delivers_holds() -> None:
    stubs = Stubs().deployed(FLOW)
    stubs.answers(
        "ec2", "describe_flow_logs", flow_log(DeliverLogsStatus="SUCCESS"), FlowLogIds=["fl-1"]
    )
    finding = ask(STATUS, subject(stubs))
    assert (finding.verdict, finding.answer.held) == (
        "held",
        ("fl-1: active, delivery SUCCESS",),
    )
    stubs.all_were_asked()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"},
            "delivery FAILED: Access error",
        ),
        ({"DeliverLogsStatus": "SUCCESS", "LogDestination": f"{GROUP}:*"}, "ends in ':*'"),
    ],
)
def test_a_flow_log_that_does_not_deliver_is_told(fields: dict[str, Any], words: str) -> None:
    stubs = Stubs().deployed(FLOW).answers("ec2", "describe_flow_logs", flow_log(**fields))
    finding = ask(STATUS, subject(stubs))
    assert finding.verdict == "did not hold"
    assert words in " ".join(finding.answer.failed)


def test_a_flow_log_without_a_word_yet_is_asked_again() -> None:
    time = Time()
    stubs = Stubs().deployed(FLOW, times=2)
    stubs.answers("ec2", "describe_flow_logs", flow_log())
    stubs.answers("ec2", "describe_flow_logs", flow_log(DeliverLogsStatus="SUCCESS"))
    assert ask(STATUS, subject(stubs, time=time), again=True).verdict == "held"
    stubs.all_were_asked()


def test_a_vpc_without_a_flow_log_does_not_hold() -> None:
    assert ask(STATUS, subject(Stubs().deployed())).verdict == "did not hold"


@pytest.mark.parametrize(
    ("records", "verdict"), [(["2 1 vpc - - 443"], "held"), ([], "not settled")]
)
def test_records_are_looked_for_in_the_logs_own_group(records: list[str], verdict: str) -> None:
    stubs = Stubs().deployed(FLOW)
    stubs.answers("ec2", "describe_flow_logs", flow_log(LogGroupName="", LogDestination=GROUP))
    stubs.answers(
        "logs",
        "filter_log_events",
        {"events": [{"message": record} for record in records]},
        logGroupName="flows",
        limit=50,
    )
    finding = ask(RECORDS, subject(stubs))
    assert finding.verdict == verdict
    assert "443" not in str(finding.answer)  # neither addresses nor ports are sent back


ASSOCIATION = "11111111-2222-3333-4444-555555555555"
DEPLOYED = (
    ("AWS::SSM::Association", "DefaultGroup", ASSOCIATION),
    ("AWS::EC2::VPC", "Vpc", "vpc-1"),
)


def runs(stubs: Stubs, *states: str) -> Stubs:
    return stubs.answers(
        "ssm",
        "describe_association_executions",
        {
            "AssociationExecutions": [
                {
                    "AssociationId": ASSOCIATION,
                    "ExecutionId": f"00000000-0000-0000-0000-00000000000{number}",
                    "Status": state,
                    "DetailedStatus": state,
                    "CreatedTime": THEN.replace(minute=number),
                }
                for number, state in reversed(list(enumerate(states)))
            ]
        },
        AssociationId=ASSOCIATION,
    )


def default_group(stubs: Stubs, *rules: dict[str, Any]) -> Stubs:
    group = {"GroupId": "sg-1", "IpPermissions": list(rules), "IpPermissionsEgress": []}
    return stubs.answers("ec2", "describe_security_groups", {"SecurityGroups": [group]})


def test_an_association_that_ran_well_holds() -> None:
    stubs = default_group(runs(Stubs().deployed(*DEPLOYED, times=2), "Success"))
    finding = ask(DEFAULT_GROUP, subject(stubs))
    assert finding.verdict == "held"
    assert "sg-1: the default group has no rule" in finding.answer.held


def test_a_first_run_that_failed_is_told_with_its_automations_reason() -> None:
    """A later success does not hide it: in a real account it came a day later."""
    stubs = runs(Stubs().deployed(*DEPLOYED, times=2), "Failed", "Success")
    stubs.answers(
        "ssm",
        "describe_association_execution_targets",
        {
            "AssociationExecutionTargets": [
                {
                    "ResourceId": "sg-1",
                    "Status": "Failed",
                    "DetailedStatus": "Failed",
                    "OutputSource": {
                        "OutputSourceId": "99999999-2222-3333-4444-555555555555",
                        "OutputSourceType": "Automation",
                    },
                }
            ]
        },
    )
    stubs.answers(
        "ssm",
        "get_automation_execution",
        {"AutomationExecution": {"FailureMessage": "AccessDenied: ec2:DescribeSecurityGroups"}},
    )
    finding = ask(DEFAULT_GROUP, subject(default_group(stubs)))
    assert finding.verdict == "did not hold"
    assert "run 1 failed: Failed; AccessDenied" in finding.answer.failed[0]
    stubs.all_were_asked()


def test_an_association_that_has_not_run_is_not_settled() -> None:
    stubs = default_group(runs(Stubs().deployed(*DEPLOYED, times=2)), {"IpProtocol": "-1"})
    finding = ask(DEFAULT_GROUP, subject(stubs))
    assert (finding.verdict, len(finding.answer.pending)) == ("not settled", 2)


TRAILS = ("AWS::CloudTrail::Trail", "Trail", "starburst-fdabc123")
DELIVERED = {"LatestDeliveryTime": THEN, "LatestCloudWatchLogsDeliveryTime": THEN}


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        ({"IsLogging": True, **DELIVERED}, "held", "files to the bucket"),
        (
            {"IsLogging": True, **DELIVERED, "LatestDeliveryError": "AccessDenied"},
            "did not hold",
            "LatestDeliveryError: AccessDenied",
        ),
        (
            {"IsLogging": True, "LatestCloudWatchLogsDeliveryError": "Access denied"},
            "did not hold",
            "LatestCloudWatchLogsDeliveryError",
        ),
        ({"IsLogging": False, **DELIVERED}, "did not hold", "does not log"),
        ({"IsLogging": True, "LatestDeliveryTime": THEN}, "not settled", "log group: none yet"),
    ],
)
def test_a_trail_is_judged_by_its_status(status: Any, verdict: str, words: str) -> None:
    stubs = Stubs().deployed(TRAILS).answers("cloudtrail", "get_trail_status", status)
    finding = ask(TRAIL, subject(stubs))
    answer = finding.answer
    assert finding.verdict == verdict
    assert words in " ".join((*answer.held, *answer.failed, *answer.pending))

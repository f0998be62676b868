"""Whether State Manager empties the VPC's default security group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject

__all__ = ["DEFAULT_GROUP"]

_API: Final = "https://docs.aws.amazon.com/systems-manager/latest/APIReference"


def _look(subject: Subject) -> Answer:
    ssm = subject.clients("ssm")
    held, failed, pending, facts = [], [], [], {}
    for each in subject.resources("AWS::SSM::Association"):
        runs = ssm.describe_association_executions(AssociationId=each.physical)
        executions = sorted(
            runs.get("AssociationExecutions", []), key=lambda run: run["CreatedTime"]
        )
        states = [run.get("Status", "") for run in executions]
        facts[each.logical] = [_fact(run) for run in executions]
        if "Success" in states:
            held.append(f"{each.logical}: ran {len(states)} times, {states.count('Success')} well")
        # A first run that came too early is what is looked for: a later success does not hide it.
        if "Failed" in states:
            bad = executions[states.index("Failed")]
            words = _words(ssm, each.physical, bad)
            facts[f"{each.logical}, failed run"] = words
            failed.append(f"{each.logical}: run {states.index('Failed') + 1} failed: {words}")
        elif "Success" not in states:
            pending.append(f"{each.logical}: {', '.join(states) or 'no run yet'}")
    for group in _default_groups(subject):
        rules = len(group.get("IpPermissions", [])) + len(group.get("IpPermissionsEgress", []))
        facts[group["GroupId"]] = f"{rules} rules"
        if not rules:
            held.append(f"{group['GroupId']}: the default group has no rule")
        elif not failed:
            pending.append(f"{group['GroupId']}: the default group still has {rules} rules")
    if not facts:
        failed.append("there is no association, and no default group of the environment's VPC")
    return Answer(held=tuple(held), failed=tuple(failed), pending=tuple(pending), facts=facts)


def _fact(run: Mapping[str, Any]) -> dict[str, str]:
    named = ("Status", "DetailedStatus", "ResourceCountByStatus", "CreatedTime")
    return {name: str(run.get(name, "")) for name in named}


def _words(ssm: Any, association: str, run: Mapping[str, Any]) -> str:  # noqa: ANN401 - boto3's
    """Return AWS's reason: the target's, and its automation's where it began one."""
    targets = ssm.describe_association_execution_targets(
        AssociationId=association, ExecutionId=run["ExecutionId"]
    )["AssociationExecutionTargets"]
    words = [run.get("DetailedStatus", "")]
    for target in targets:
        words.append(target.get("DetailedStatus", ""))
        source = target.get("OutputSource", {})
        if source.get("OutputSourceType") == "Automation":
            automation = ssm.get_automation_execution(
                AutomationExecutionId=source["OutputSourceId"]
            )["AutomationExecution"]
            words.append(automation.get("FailureMessage", ""))
    return "; ".join(dict.fromkeys(filter(None, words))) or "no reason given"


def _default_groups(subject: Subject) -> list[Mapping[str, Any]]:
    vpcs = [each.physical for each in subject.resources("AWS::EC2::VPC")]
    if not vpcs:
        return []
    return subject.clients("ec2").describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": vpcs},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )["SecurityGroups"]


DEFAULT_GROUP: Final = Check(
    name="default security group",
    asks="Did the State Manager association run well, the first time too?",
    why="An association that runs before its role's policy is there fails, and waits a day.",
    sources=(
        f"{_API}/API_DescribeAssociationExecutions.html",
        f"{_API}/API_DescribeAssociationExecutionTargets.html",
    ),
    look=_look,
    within=600,
    feature="default-security-group",
    local=False,
)

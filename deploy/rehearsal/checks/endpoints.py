"""Whether the private endpoints stand as the template asks, and take the policies that we give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject
from deploy.rehearsal.probes import ENVIRONMENT_TAG, PROBE_TAG, remove_endpoints
from starburst.aws.calls import words_of
from starburst_constructs.naming import endpoints_stack_name

__all__ = ["AGENTS", "ENDPOINTS"]

_SID: Final = "OurPrincipalsToOurResources"
_KIND: Final = "AWS::EC2::VPCEndpoint"
_AGENTS: Final = ("ecs-agent", "ecs-telemetry")
"""Their endpoints have no policy in the templates."""


def _look(subject: Subject) -> Answer:
    asked = _asked_for(subject)
    there = {each.logical: each.physical for each in subject.resources(_KIND)}
    held, failed, pending = [], [], []
    missing = sorted(asked - there.keys())
    if missing:
        failed.append(f"the template asks for {len(asked)} endpoints, {len(missing)} do not exist")
    described = _describe(subject, list(there.values()))
    facts: dict[str, object] = {"asked for": len(asked), "missing": missing}
    for each in described:
        name = _service(each)
        state, wrong = str(each["State"]).lower(), []
        facts[name] = {"State": each["State"], "PrivateDnsEnabled": each.get("PrivateDnsEnabled")}
        if _is_interface(each) and not each.get("PrivateDnsEnabled"):
            wrong.append("no private DNS")
        if name not in _AGENTS and _SID not in _sids(each.get("PolicyDocument")):
            wrong.append(f"its policy is not ours ({_SID} is missing)")
        if state == "pending":
            pending.append(f"{name}: pending")
        elif state != "available":
            wrong.append(
                f"{each['State']}: {each.get('FailureReason') or each.get('LastError', '')}"
            )
        failed += [f"{name}: {words}" for words in wrong]
        if not wrong and state == "available":
            held.append(f"{name}: available{'' if name in _AGENTS else ', with our policy'}")
    return Answer(held=tuple(held), failed=tuple(failed), pending=tuple(pending), facts=facts)


def _asked_for(subject: Subject) -> set[str]:
    """Return the endpoints of the deployed template by their logical ids; most come and go."""
    name = endpoints_stack_name(subject.environment.name)
    body = subject.clients("cloudformation").get_template(StackName=name)["TemplateBody"]
    template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
    return {key for key, one in template["Resources"].items() if one["Type"] == _KIND}


def _describe(subject: Subject, ids: list[str]) -> list[Mapping[str, Any]]:
    if not ids:
        return []
    return subject.clients("ec2").describe_vpc_endpoints(VpcEndpointIds=ids)["VpcEndpoints"]


def _service(endpoint: Mapping[str, Any]) -> str:
    """Return the service of an endpoint: what follows com.amazonaws and the Region."""
    return str(endpoint["ServiceName"]).split(".", 3)[3]


def _is_interface(endpoint: Mapping[str, Any]) -> bool:
    return endpoint.get("VpcEndpointType") == "Interface"


def _sids(policy: object) -> set[str]:
    document = json.loads(policy) if isinstance(policy, str) and policy else policy
    if not isinstance(document, Mapping):
        return set()
    return {each.get("Sid", "") for each in document.get("Statement", [])}


def _agents(subject: Subject) -> Answer:
    """Try both ways to make the two endpoints that tasks of most Regions do without."""
    interfaces = [
        each
        for each in _describe(subject, [one.physical for one in subject.resources(_KIND)])
        if _is_interface(each) and _service(each) not in _AGENTS
    ]
    if not interfaces:
        return Answer(failed=("no interface endpoint stands whose policy could be tried",))
    held, failed, facts = [], [], {}
    made: list[str] = []
    try:
        for service in _AGENTS:
            refusal = _make(subject, interfaces[0], service, made, with_policy=True)
            facts[service] = refusal or "takes our policy"
            if not refusal:
                held.append(
                    f"{service}: takes our policy, which the kit leaves off: send this back"
                )
                continue
            without = _make(subject, interfaces[0], service, made, with_policy=False)
            facts[f"{service} without a policy"] = without or "made"
            if without:
                failed.append(f"{service}: not even without a policy: {without}")
            else:
                held.append(f"{service}: without a policy alone, as the kit makes it")
    finally:
        gone = remove_endpoints(made, subject.clients, clock=subject.clock)
    if not gone:
        failed.append("the endpoints of this question are still there: the subnets cannot go")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _make(
    subject: Subject,
    model: Mapping[str, Any],
    service: str,
    made: list[str],
    *,
    with_policy: bool,
) -> str:
    """Make an endpoint beside another; return why EC2 does not, or nothing."""
    policy = {"PolicyDocument": model["PolicyDocument"]} if with_policy else {}
    try:
        endpoint = subject.clients("ec2").create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=model["VpcId"],
            ServiceName=f"com.amazonaws.{subject.environment.region}.{service}",
            SubnetIds=model["SubnetIds"][:1],
            SecurityGroupIds=[group["GroupId"] for group in model["Groups"]],
            PrivateDnsEnabled=False,
            TagSpecifications=[_tags(subject.environment.name)],
            **policy,
        )["VpcEndpoint"]
    except ClientError as error:
        return words_of(error)
    made.append(endpoint["VpcEndpointId"])
    return ""


def _tags(environment: str) -> Mapping[str, Any]:
    tags = {ENVIRONMENT_TAG: environment, PROBE_TAG: "agents"}
    named = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"ResourceType": "vpc-endpoint", "Tags": named}


ENDPOINTS: Final = Check(
    name="private endpoints",
    asks="Are the endpoints available, with private names and our policies?",
    why="A worker without one of them stays silent; one without our policy is a way out.",
    sources=("https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html",),
    look=_look,
    within=300,
    worker=True,
)

AGENTS: Final = Check(
    name="agents' endpoints",
    asks="How can endpoints of ecs-agent and ecs-telemetry be made: with our policy, or without?",
    why="Regions opened since December 2023 and EC2 hosts need both. The kit gives them no policy, "
    "for users found that they take none; AWS's page does not say.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
        "https://github.com/awsdocs/amazon-ecs-developer-guide/issues/55",
    ),
    look=_agents,
    worker=True,
)

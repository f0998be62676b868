"""AWS services can deliver what we ordered: trail, logs, alarms, events, encrypted disks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from starburst_assurance.proofs.encoding.clusters import clusters
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import data_bucket, data_key
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Guarded
from starburst_assurance.proofs.solving.theorem import Claim, always, theorem
from starburst_assurance.proofs.theorems.availability.calls import GROUP


def _service(world: World, name: str, **said: str) -> Context:
    context = world.context(closed=True)
    context.put_all(
        {
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": name,
            "aws:SecureTransport": "true",
            "aws:SourceAccount": world.policy_set.account,
            "s3:TlsVersion": "1.3",
        }
    )
    context.put_all({key.replace("__", ":"): value for key, value in said.items()})
    return context


@theorem(GROUP)
def services_can_deliver(world: World) -> Iterator[Claim]:
    """AWS delivers trail, access logs, alarms, events and spent budgets, and encrypts for us."""
    policy_set = world.policy_set
    place = f"{policy_set.region}:{policy_set.account}"
    found: list[tuple[Request, Formula]] = []

    def may(action: str, item: Guarded, resource: str, context: Context) -> None:
        request = Request(context=context, action=action, resource=resource)
        found.append((request, world.admitted(request, at=item)))

    data = data_bucket(world)
    access_logs = policy_set.at("storage/AccessLogs")
    for folder, source in (("data", data.arn), ("trail", policy_set.named.get("audit/Files", ""))):
        if source:
            context = _service(world, "logging.s3.amazonaws.com", aws__SourceArn=source)
            may("s3:PutObject", access_logs, f"{access_logs.arn}/{folder}/a", context)
    logs_key = policy_set.at("foundation/LogsKey")
    if "audit/Files" in policy_set.named:
        files = policy_set.at("audit/Files")
        trail = f"arn:aws:cloudtrail:{place}:trail/starburst-{policy_set.name}"
        context = _service(world, "cloudtrail.amazonaws.com", aws__SourceArn=trail)
        may("s3:GetBucketAcl", files, files.arn, context)
        may("s3:PutObject", files, f"{files.arn}/AWSLogs/{policy_set.account}/a", context)
        for action in ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"):
            may(action, logs_key, logs_key.arn, context)
    log = _service(world, f"logs.{policy_set.region}.amazonaws.com")
    log.put("aws:SourceAccount")
    log.put("kms:EncryptionContext:aws:logs:arn", f"arn:aws:logs:{place}:log-group:/a")
    encrypting = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom")
    for action in encrypting:
        may(f"kms:{action}", logs_key, logs_key.arn, log)
    for service in ("budgets", "cloudwatch", "events"):
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            context = _service(world, f"{service}.amazonaws.com")
            may(action, logs_key, logs_key.arn, context)
    function = policy_set.at("control/ControllerService")
    if "cost/Spent" in policy_set.named:
        context = _service(
            world, "sns.amazonaws.com", aws__SourceArn=policy_set.named["cost/Spent"]
        )
        may("lambda:InvokeFunction", function, function.arn, context)
    wakes = policy_set.at("control/Wakes")
    context = _service(
        world, "events.amazonaws.com", aws__SourceArn=policy_set.named["control/WakeWorkerLost"]
    )
    may("sqs:SendMessage", wakes, wakes.arn, context)
    for name, arn in policy_set.named.items():
        queued = name == "control/WakeWorkerLost"
        if name.startswith("control/Wake") and ":rule/" in arn and not queued:
            context = _service(world, "events.amazonaws.com", aws__SourceArn=arn)
            may("lambda:InvokeFunction", function, function.arn, context)
    key = data_key(world)
    fargate: Sequence[tuple[str, dict[str, str]]] = (
        ("kms:GenerateDataKeyWithoutPlaintext", {}),
        ("kms:CreateGrant", {"kms:GrantOperations": "Decrypt"}),
        (
            "kms:CreateGrant",
            {"kms:GrantOperations": "Decrypt", "kms:GrantIsForAWSResource": "true"},
        ),
    )
    named = [arn.rpartition("/")[2] for arn in clusters(policy_set)]
    for cluster, (action, said) in product(named, fargate):
        context = _service(world, "fargate.amazonaws.com")
        context.put("aws:SourceAccount")
        context.put_all(
            {
                "kms:EncryptionContext:aws:ecs:clusterAccount": policy_set.account,
                "kms:EncryptionContext:aws:ecs:clusterName": cluster,
                **said,
            }
        )
        may(action, key, key.arn, context)
    yield always(world, "services", found)
    yield always(world, "topics", list(_publishing(world)))
    forwarded = list(_forwarding(world))
    if forwarded:
        yield always(world, "forwarded events", forwarded)


def _publishing(world: World) -> Iterator[tuple[Request, Formula]]:
    policy_set = world.policy_set
    alarm = f"arn:aws:cloudwatch:{policy_set.region}:{policy_set.account}:alarm:a"
    budget = f"arn:aws:budgets::{policy_set.account}:budget/a"
    for name, service, source in (
        ("control/Alerts", "cloudwatch", alarm),
        ("control/Alerts", "budgets", budget),
        ("control/SecurityAlerts", "cloudwatch", alarm),
        ("cost/Spent", "budgets", budget),
    ):
        if name in policy_set.named:
            topic = policy_set.at(name)
            context = _service(world, f"{service}.amazonaws.com", aws__SourceArn=source)
            request = Request(context=context, action="sns:Publish", resource=topic.arn)
            yield request, world.admitted(request, at=topic)


def _forwarding(world: World) -> Iterator[tuple[Request, Formula]]:
    policy_set = world.policy_set
    rule = f"arn:aws:events:{policy_set.region}:{policy_set.account}:rule/a"
    for name, service, action in product(
        ("control/ElsewhereLog", "control/ForwardedLog"),
        ("events.amazonaws.com", "delivery.logs.amazonaws.com"),
        ("logs:CreateLogStream", "logs:PutLogEvents"),
    ):
        if name in policy_set.named:
            group = policy_set.at(name)
            context = _service(world, service, aws__SourceArn=rule)
            stream = f"{group.arn.removesuffix('*')}log-stream:a"
            request = Request(context=context, action=action, resource=stream)
            yield request, world.admitted(request, at=group)

"""Edits by hand of resources: their policies, and what opens them beside these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.e2e.edit import Edit, at
from tests.e2e.hands import (
    ACCOUNT,
    PLATFORM,
    STRANGER,
    add,
    drop,
    first,
    to,
)
from tests.e2e.hands_on_resources import (
    addressed,
    bucket,
    disabled,
    granted,
    invoked,
    keyed,
    listed,
    logged,
    new_endpoint,
    open_session_queue,
    open_to_all,
    owned,
    passed,
    pulled,
    queue,
    run_by,
    topic,
    unblocked,
)

__all__ = ["RESOURCES"]

s3, kms, sqs, sns = at("s3"), at("kms"), at("sqs"), at("sns")
ecr, function, ec2, logs = at("ecr"), at("lambda"), at("ec2"), at("logs")

RESOURCES: Final[Mapping[str, Edit]] = {
    "the data bucket open to everybody": s3(
        open_to_all,
        "bucket storage/Data",
        "allows s3:GetObject",
        "to everybody",
    ),
    "the data bucket without a policy": s3(
        bucket(None), "storage/Data", "it is gone", refutes="signed_addresses_die"
    ),
    "the data bucket without a denial": s3(
        bucket(lambda policy: policy["Statement"].pop(0)),
        "storage/Data",
        "lacks the statement",
        refutes="nothing_in_the_clear",
    ),
    "a denial of the data bucket for fewer": s3(
        bucket(first("Deny", Principal={"AWS": STRANGER})),
        "storage/Data",
        "principals",
        refutes="nothing_in_the_clear",
    ),
    "old TLS at the data bucket": s3(
        bucket(
            lambda policy: next(
                one["Condition"]["NumericLessThan"].update({"s3:TlsVersion": "1.0"})
                for one in policy["Statement"]
                if "NumericLessThan" in one.get("Condition", {})
            )
        ),
        "storage/Data",
        "s3:TlsVersion",
        refutes="nothing_under_tls_1_2",
    ),
    "the trail's files without a denial": s3(
        bucket(lambda policy: policy["Statement"].pop(0), "audit/Files"),
        "audit/Files",
        "lacks the statement",
        refutes="nothing_in_the_clear",
    ),
    "public access unblocked": s3(unblocked, "block of public access BlockPublicPolicy is off"),
    "objects of whoever writes them": s3(owned("ObjectWriter"), "object ownership is ObjectWriter"),
    "a list that lets everybody read": s3(listed, "access control list has READ to"),
    "a grant to a stranger": kms(
        granted("arn:aws:iam::999988887777:role/reader", ["Decrypt"]),
        "it has grant",
        "999988887777:role/reader may Decrypt",
        refutes="nobody_from_outside",
    ),
    "a grant to engineers": kms(
        granted(f"arn:aws:iam::{ACCOUNT}:role/{PLATFORM}", ["Decrypt", "GenerateDataKey"]),
        "it has grant",
        f"{PLATFORM} may Decrypt, GenerateDataKey",
    ),
    "a stranger's account in the key's policy": kms(
        keyed(add(to({"AWS": STRANGER}, "kms:Decrypt"))),
        "foundation/DataKey",
        f"allows kms:Decrypt to {STRANGER}",
    ),
    "a denial of the key dropped": kms(
        keyed(drop("DenyStrangers")),
        "foundation/DataKey",
        "lacks the statement DenyStr",
        refutes="keys_refuse_strangers",
    ),
    "a key disabled": kms(disabled, "it is Disabled"),
    "a queue open to everybody": sqs(
        queue(add(to("*", "sqs:SendMessage"))),
        "control/Wakes",
        "allows sqs:SendMessage",
        refutes="services_act_for_us_only",
    ),
    "a queue without a denial": sqs(
        queue(drop("DenyStrangers"), "control/Failures"), "control/Failures", "lacks"
    ),
    "a session's queue open to a stranger": sqs(
        open_session_queue,
        "session's queue",
        "allows sqs:SendMessage",
        refutes="nothing_in_the_clear",
    ),
    "a stranger publishes alarms": sns(
        topic(add(to({"AWS": STRANGER}, "sns:Publish"))), "control/Alerts", STRANGER
    ),
    "a topic's statement for all": sns(
        topic(first("Allow", Condition={})),
        "control/Alerts",
        "conditions have lost",
        refutes="services_act_for_us_only",
    ),
    "a stranger puts images": ecr(
        pulled, "repository registry/Worker", "ecr:PutImage", refutes="buckets_refuse_strangers"
    ),
    "a stranger calls as an analyst": function(
        invoked("999988887777", alias="analysts"),
        "ControllerAnalysts",
        "999988887777",
        refutes="nobody_from_outside",
    ),
    "any bucket calls the function": function(
        invoked("s3.amazonaws.com", alias=None),
        "control/Controller",
        "s3.amazonaws.com",
        refutes="services_act_for_us_only",
    ),
    "any rule of anybody calls the service": function(
        invoked("events.amazonaws.com", alias="service"),
        "ControllerService",
        "to events.amazonaws.com",
        refutes="services_act_for_us_only",
    ),
    "an address in the internet": function(addressed, "address in the internet", "NONE"),
    "the function with another role": function(run_by, PLATFORM, "should run with"),
    "the endpoint of S3 open": ec2(
        passed(add(to("*", "*"))),
        "of s3",
        "allows * to everybody",
        refutes="endpoints_refuse_strangers",
    ),
    "the endpoint of S3 for others' buckets": ec2(
        passed(first("Allow", Condition={})),
        "of s3",
        "conditions have lost",
        refutes="endpoints_refuse_strangers",
    ),
    "an endpoint by hand": ec2(
        new_endpoint, "of dynamodb", "no template has it", refutes="endpoints_refuse_strangers"
    ),
    "a service writes any log": logs(
        logged(to({"Service": "es.amazonaws.com"}, "logs:PutLogEvents")),
        "policy Quick of CloudWatch Logs",
        "es.amazonaws.com",
        refutes="services_act_for_us_only",
    ),
    "a stranger reads our logs": logs(
        logged(
            to(
                {"AWS": STRANGER},
                "logs:PutSubscriptionFilter",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ecs/*",
            )
        ),
        "of CloudWatch Logs",
        STRANGER,
        refutes="nobody_from_outside",
    ),
}
"""By what each comes to."""

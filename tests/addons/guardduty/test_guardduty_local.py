"""GuardDuty in the local environment: its stack deploys, a finding comes, and people hear it."""

from __future__ import annotations

import json

from starburst.local import LocalEnvironment
from tests.addons.guardduty.test_telling import finding

STACK = "starburst-local-guardduty"


def test_a_finding_reaches_the_topic_once(addons_local: LocalEnvironment) -> None:
    root = addons_local.root_session()
    sqs, sns = addons_local.client(root, "sqs"), addons_local.client(root, "sns")
    arn = f"arn:aws:sqs:{addons_local.region}:{addons_local.account}:starburst-local-heard"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    heard = sqs.create_queue(QueueName="starburst-local-heard", Attributes={"Policy": policy})[
        "QueueUrl"
    ]
    subscribed = ""
    try:
        function = addons_local.client(root, "lambda").get_function_configuration(
            FunctionName=STACK
        )
        topic = function["Environment"]["Variables"]["GUARDDUTY_TOPIC"]
        subscribed = sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        told = []
        for _ in range(2):
            answer = addons_local.client(root, "lambda").invoke(
                FunctionName=STACK, Payload=json.dumps(finding()).encode()
            )
            said = json.loads(answer["Payload"].read())
            assert "FunctionError" not in answer, said
            told.append(said["told"])
        assert told == [True, False]
        messages = sqs.receive_message(
            QueueUrl=heard, MaxNumberOfMessages=10, WaitTimeSeconds=5
        ).get("Messages", [])
        assert len(messages) == 1, messages
        [message] = messages
        assert "Exfiltration:S3/AnomalousBehavior" in message["Body"]
    finally:
        if subscribed:
            sns.unsubscribe(SubscriptionArn=subscribed)
        sqs.delete_queue(QueueUrl=heard)

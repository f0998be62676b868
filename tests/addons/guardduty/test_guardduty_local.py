"""GuardDuty in the local environment: its stack deploys, a finding comes, and people hear it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import app
from environments import LOCAL
from stacks.addons.guardduty import GuardDuty
from starburst.local import LocalEnvironment
from tests.addons.guardduty.test_telling import finding

STACK = "starburst-local-guardduty"
ADDON = GuardDuty(detector_id="0" * 32)


def test_a_finding_reaches_the_topic_once(deployed: LocalEnvironment, tmp_path: Path) -> None:
    app.build([replace(LOCAL, addons=(ADDON,))], outdir=str(tmp_path), validate=False).synth()
    stage = tmp_path / "assembly-local"
    [assets] = stage.glob("*guardduty*.assets.json")
    [code] = [
        each
        for each in json.loads(assets.read_text())["files"].values()
        if each["source"]["packaging"] == "zip"
    ]
    [place] = code["destinations"].values()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(stage / code["source"]["path"] / "handler.py", "handler.py")
    bucket = place["bucketName"].replace("${AWS::AccountId}", deployed.account)
    bucket = bucket.replace("${AWS::Region}", deployed.region)
    platform, root = deployed.platform_session(), deployed.root_session()
    s3, formation = deployed.client(platform, "s3"), deployed.client(platform, "cloudformation")
    s3.put_object(Bucket=bucket, Key=place["objectKey"], Body=zipped.getvalue())
    [file] = stage.glob("*guardduty*.template.json")
    template = json.loads(file.read_text())
    template.pop("Rules", None)
    template.pop("Parameters", None)
    formation.create_stack(
        StackName=STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    sqs, sns = deployed.client(root, "sqs"), deployed.client(root, "sns")
    arn = f"arn:aws:sqs:{deployed.region}:{deployed.account}:starburst-local-heard"
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
        formation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        function = deployed.client(root, "lambda").get_function_configuration(FunctionName=STACK)
        topic = function["Environment"]["Variables"]["GUARDDUTY_TOPIC"]
        subscribed = sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        told = []
        for _ in range(2):
            answer = deployed.client(root, "lambda").invoke(
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
        s3.delete_object(Bucket=bucket, Key=place["objectKey"])
        formation.delete_stack(StackName=STACK)

"""Reports in the local environment: the real CLI deploys them, an event comes, a CSV is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from environments import LOCAL
from starburst.local import LocalEnvironment
from tests.addons.security_hub_findings.conftest import finding

STACK = "starburst-local-findings"


class Reports:
    """The deployed stack, asked as its reader, its schedule and who gets its mail."""

    def __init__(self, local: LocalEnvironment) -> None:
        session = local.root_session()
        self.endpoint = local.endpoint
        self._lambda = local.client(session, "lambda")
        self._s3 = local.client(session, "s3")
        self._sqs = local.client(session, "sqs")
        formation = local.client(session, "cloudformation")
        found = formation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.made = {each["LogicalResourceId"]: each for each in found}
        [self.bucket] = self.of("AWS::S3::Bucket")
        [topic] = self.of("AWS::SNS::Topic")
        self._mail = self._sqs.create_queue(QueueName="findings-mail")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._mail, AttributeNames=["QueueArn"]
        )
        arn = attributes["Attributes"]["QueueArn"]
        admitted = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                }
            ],
        }
        self._sqs.set_queue_attributes(
            QueueUrl=self._mail, Attributes={"Policy": json.dumps(admitted)}
        )
        sns: Any = local.client(session, "sns")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def of(self, kind: str) -> list[str]:
        return [
            each["PhysicalResourceId"]
            for each in self.made.values()
            if each["ResourceType"] == kind
        ]

    def use(self, **variables: str) -> None:
        """Tell the function of services that the emulator does not have."""
        told = self._lambda.get_function_configuration(FunctionName=STACK)["Environment"]
        self._lambda.update_function_configuration(
            FunctionName=STACK, Environment={"Variables": {**told["Variables"], **variables}}
        )

    def ring(self, time: str, *, fails: bool = False) -> dict[str, Any]:
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "time": time}
        answer = self._lambda.invoke(FunctionName=STACK, Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read())
        assert ("FunctionError" in answer) == fails, said
        return said

    def mails(self, *, wait: int = 20) -> list[tuple[str, str]]:
        """Return subject and text of what was sent, as soon as something is there."""
        mails = [json.loads(one) for one in self._received(self._mail, wait)]
        return [(mail["Subject"], mail["Message"]) for mail in mails]

    def _received(self, queue: str, wait: int) -> list[str]:
        said = self._sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait
        )
        for each in said.get("Messages", []):
            self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return [each["Body"] for each in said.get("Messages", [])]

    def keys(self, prefix: str) -> list[str]:
        listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]

    def rows(self, key: str) -> list[dict[str, str]]:
        got = self._s3.get_object(Bucket=self.bucket, Key=key)
        assert got["ServerSideEncryption"] == "aws:kms"
        text = got["Body"].read().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def reports(addons_local: LocalEnvironment) -> Reports:
    return Reports(addons_local)


@pytest.fixture
def hub(reports: Reports) -> Iterator[Any]:
    """A Security Hub of moto's, beside the emulator."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        reports.use(AWS_ENDPOINT_URL_SECURITYHUB=url)
        yield boto3.client(
            "securityhub",
            region_name=LOCAL.region,
            endpoint_url=url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
    finally:
        server.stop()


def test_a_run_is_one_report_that_is_read_back_and_one_mail(reports: Reports, hub: Any) -> None:
    wrong = finding(2, Title="=1+1", Description='two\nlines, "quoted"', Severity={})
    hub.batch_import_findings(Findings=[finding(1), wrong])
    said = reports.ring("2026-11-30T08:00:00Z")
    assert said["report"] == "reports/2026/11/30/findings-20261130T080000Z.csv"
    rows = reports.rows(said["report"])
    assert [row["Title"][:4] for row in rows] == ["S3 g", "'=1+"]
    assert rows[1]["Description"] == 'two\nlines, "quoted"'
    [(subject, text)] = reports.mails()
    assert subject == "Security Hub, local: 1 high, 2 in all"
    assert "X-Amz-Signature" in text
    assert reports.ring("2026-11-30T08:00:00Z")["told"] == "before"
    assert reports.mails(wait=0) == []


def test_without_an_answer_it_fails_and_says_nothing_wrong(reports: Reports) -> None:
    """The emulator refuses what it does not have: no report, no mail, and Lambda's to try again."""
    reports.use(AWS_ENDPOINT_URL_SECURITYHUB=reports.endpoint)
    said = reports.ring("2026-12-07T08:00:00Z", fails=True)
    assert "AccessDenied" in said["errorMessage"]
    assert reports.mails(wait=0) == []
    assert reports.keys("reports/2026/12/") == []

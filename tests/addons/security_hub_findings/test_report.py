"""A run of the function: one report, one e-mail, and a sentence where there is neither."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.addons.security_hub_findings.conftest import finding
from tests.quick_moto import quick_aws, quick_client

REGION = "eu-west-1"
BUCKET = "starburst-prod-findings-reports"
ROLE = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/starburst-prod-findings-link"
MONDAY = {"source": "aws.events", "id": "1", "time": "2026-11-30T08:00:00Z"}
REPORT = "reports/2026/11/30/findings-20261130T080000Z.csv"


class Call:
    """What Lambda tells a function of its call."""

    def __init__(self, *left: int) -> None:
        self._left = list(left)

    def get_remaining_time_in_millis(self) -> int:
        return self._left.pop(0) if self._left else 800_000


class Aws:
    """The services that the function calls, and what it did there."""

    def __init__(self) -> None:
        self.s3 = quick_client("s3", REGION)
        self.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        sns = quick_client("sns", REGION)
        self.sqs = quick_client("sqs", REGION)
        self._mail = self.sqs.create_queue(QueueName="mail")["QueueUrl"]
        self.topic = sns.create_topic(Name="findings")["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:mail"
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.hub = quick_client("securityhub", REGION)

    def found(self, findings: Sequence[dict[str, Any]]) -> None:
        for first in range(0, len(findings), 100):
            self.hub.batch_import_findings(Findings=findings[first : first + 100])

    def mails(self) -> list[tuple[str, str]]:
        """Return subject and text of each e-mail that was sent since."""
        got = []
        while True:
            said = self.sqs.receive_message(QueueUrl=self._mail, MaxNumberOfMessages=10)
            if not said.get("Messages"):
                return got
            for each in said["Messages"]:
                mail = json.loads(each["Body"])
                got.append((mail["Subject"], mail["Message"]))
                self.sqs.delete_message(QueueUrl=self._mail, ReceiptHandle=each["ReceiptHandle"])

    def rows(self, key: str = REPORT) -> list[dict[str, str]]:
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(body, newline="")))

    def versions(self, prefix: str = "reports/") -> list[str]:
        said = self.s3.list_object_versions(Bucket=BUCKET, Prefix=prefix)
        return [each.get("Key", "") for each in said.get("Versions", [])]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "FINDINGS_ACCOUNT": DEFAULT_ACCOUNT_ID,
        "FINDINGS_BUCKET": BUCKET,
        "FINDINGS_ENVIRONMENT": "prod",
        "FINDINGS_HUB_REGION": REGION,
        "FINDINGS_OVERDUE_DAYS": "8",
        "FINDINGS_KEY": f"arn:aws:kms:{REGION}:{DEFAULT_ACCOUNT_ID}:key/1",
        "FINDINGS_SEVERITIES": "CRITICAL,HIGH,MEDIUM,LOW,INFORMATIONAL",
    }.items():
        monkeypatch.setenv(name, value)
    with quick_aws():
        made = Aws()
        monkeypatch.setenv("FINDINGS_TOPIC", made.topic)
        yield made


def failing(function: Any, monkeypatch: pytest.MonkeyPatch, service: str, error: Exception) -> None:
    """Have one service fail once, when a client of it is made next."""
    real = function.handler.boto3.client
    broken = [service]

    def client(name: str, **options: Any) -> Any:
        if name in broken:
            broken.remove(name)
            raise error
        return real(name, **options)

    monkeypatch.setattr(function.handler.boto3, "client", client)


def refusal(code: str, operation: str = "GetFindings") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def test_a_run_writes_the_report_and_tells_of_it(aws: Aws, function: Any) -> None:
    aws.found([finding(1), finding(2, Severity={"Label": "CRITICAL"}), finding(3, Severity={})])
    said = function.handler.handle(MONDAY, Call())
    assert said["report"] == REPORT
    assert [row["Severity"] for row in aws.rows()] == ["HIGH", "CRITICAL", ""]
    [(subject, text)] = aws.mails()
    assert subject == "Security Hub, prod: 1 critical, 1 high, 3 in all"
    assert f"account {DEFAULT_ACCOUNT_ID}, {REGION}" in text
    counted = [line.split() for line in text.splitlines() if line.split()[-1:] == ["1"]]
    assert [label for label, _ in counted] == ["Critical", "High", "Unlabelled"]
    assert f"/s3/object/{BUCKET}?region={REGION}&prefix=reports%2F2026%2F11%2F30" in text
    assert "X-Amz" not in text
    head: Any = aws.s3.head_object(Bucket=BUCKET, Key=REPORT)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"].endswith(":key/1")


def test_a_repeated_event_is_one_report_and_one_mail(aws: Aws, function: Any) -> None:
    aws.found([finding(1)])
    function.handler.handle(MONDAY, Call())
    aws.found([finding(2)])
    assert function.handler.handle({**MONDAY, "id": "2"}, Call())["told"] == "before"
    assert aws.versions() == [REPORT]
    assert len(aws.rows()) == 1
    assert len(aws.mails()) == 1
    function.handler.handle({**MONDAY, "time": "2026-12-07T08:00:00Z"}, Call())
    assert len(aws.versions()) == 2
    assert len(aws.mails()) == 1


def test_no_findings_are_told_as_well(aws: Aws, function: Any) -> None:
    function.handler.handle(MONDAY, Call())
    assert aws.rows() == []
    [(subject, text)] = aws.mails()
    assert subject == "Security Hub, prod: no findings"
    assert "There are no active findings." in text


def test_what_could_not_be_sent_is_sent_later_with_the_first_report(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda tries again; what Security Hub found meanwhile is next week's."""
    aws.found([finding(1)])
    failing(function, monkeypatch, "sns", refusal("InternalError", "Publish"))
    with pytest.raises(ClientError, match="InternalError"):
        function.handler.handle(MONDAY, Call())
    assert aws.mails() == []
    aws.found([finding(2)])
    function.handler.handle(MONDAY, Call())
    assert aws.versions() == [REPORT]
    [(subject, _)] = aws.mails()
    assert subject == "Security Hub, prod: 1 high, 1 in all"


def test_whoever_comes_second_tells_what_the_first_one_counted(aws: Aws, function: Any) -> None:
    """Two at once: both have read, and one put its report."""
    arguments = {"bucket": BUCKET, "key_arn": "k", "owner": DEFAULT_ACCOUNT_ID}
    shelf = function.shelf.Shelf(aws.s3, run=datetime(2026, 11, 30, tzinfo=UTC), **arguments)
    assert shelf.totals() is None
    assert shelf.keep(io.BytesIO(b"first"), {"HIGH": 1}) == {"HIGH": 1}
    assert shelf.keep(io.BytesIO(b"second"), {"HIGH": 2}) == {"HIGH": 1}
    assert aws.s3.get_object(Bucket=BUCKET, Key=shelf.report)["Body"].read() == b"first"
    assert not shelf.told
    shelf.mark()
    shelf.mark()
    assert shelf.told


def test_where_security_hub_is_not_enabled_a_sentence_says_so(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(function, monkeypatch, "securityhub", function.hub.NotEnabledError())
    said = function.handler.handle(MONDAY, Call())
    assert said["report"] is None
    assert aws.versions() == []
    [(subject, text)] = aws.mails()
    assert subject == "Security Hub, prod: no report"
    assert "Security Hub is not enabled there. Enable it" in text
    assert function.handler.handle(MONDAY, Call())["told"] == "before"
    assert aws.mails() == []


class Refusing:
    """A client of Security Hub that answers with an error."""

    def __init__(self, code: str) -> None:
        self._error = refusal(code)

    def get_paginator(self, name: str) -> Any:
        assert name == "get_findings"
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        raise self._error
        yield


def test_its_own_answer_is_what_says_that_it_is_not_enabled(function: Any) -> None:
    with pytest.raises(function.hub.NotEnabledError):
        list(function.hub.findings(Refusing("InvalidAccessException"), severities=("HIGH",)))
    with pytest.raises(ClientError, match="AccessDenied"):
        list(function.hub.findings(Refusing("AccessDeniedException"), severities=("HIGH",)))


def test_what_else_fails_is_raised_and_told_nobody(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So Lambda tries again, and then the failure queue's alarm rings."""
    failing(function, monkeypatch, "securityhub", refusal("AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        function.handler.handle(MONDAY, Call())
    assert aws.mails() == []
    assert aws.versions("") == []


def test_more_than_there_is_time_for_is_told_and_not_cut(aws: Aws, function: Any) -> None:
    aws.found([finding(number) for number in range(3)])
    function.handler.handle(MONDAY, Call(800_000, 59_999))
    assert aws.versions() == []
    [(subject, text)] = aws.mails()
    assert subject == "Security Hub, prod: no report"
    assert "Name fewer severities" in text


def test_active_findings_are_asked_for_and_those_that_were_chosen(aws: Aws, function: Any) -> None:
    asked: list[dict[str, Any]] = []

    class Asked(Refusing):
        def paginate(self, **what: Any) -> Iterator[Any]:
            asked.append(what)
            yield {"Findings": [finding()]}

    everything = function.hub.SEVERITIES
    assert len(list(function.hub.findings(Asked(""), severities=everything))) == 1
    assert len(list(function.hub.findings(Asked(""), severities=("HIGH", "LOW")))) == 1
    active = [{"Value": "ACTIVE", "Comparison": "EQUALS"}]
    assert asked[0]["Filters"] == {"RecordState": active}
    assert asked[1]["Filters"]["RecordState"] == active
    assert [one["Value"] for one in asked[1]["Filters"]["SeverityLabel"]] == ["HIGH", "LOW"]
    assert asked[0]["PaginationConfig"] == {"PageSize": 100}
    # moto takes no filters; that these are words of Security Hub's, botocore's model says.
    aws.hub.get_findings(Filters=asked[1]["Filters"])
    with pytest.raises(Exception, match="RecordStat"):
        aws.hub.get_findings(Filters={"RecordStat": active})


class Page(dict[str, Any]):
    """A page of findings that is counted while it is alive."""

    alive = 0
    most = 0

    def __init__(self, content: Sequence[dict[str, Any]]) -> None:
        super().__init__(Findings=content)
        Page.alive += 1
        Page.most = max(Page.most, Page.alive)

    def __del__(self) -> None:
        Page.alive -= 1


def test_a_hundred_thousand_findings_pass_through_one_page_at_a_time(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = [{"Id": str(number), "Severity": {"Label": "LOW"}} for number in range(100)]

    class Huge(Refusing):
        def paginate(self, **_: Any) -> Iterator[Any]:
            for _number in range(1000):
                yield Page(content)

    real = function.handler.boto3.client
    monkeypatch.setattr(
        function.handler.boto3,
        "client",
        lambda name, **more: Huge("") if name == "securityhub" else real(name, **more),
    )
    said = function.handler.handle(MONDAY, Call())
    assert said["totals"]["LOW"] == 100_000
    assert 0 < Page.most <= 2
    body = aws.s3.get_object(Bucket=BUCKET, Key=REPORT)["Body"].read()
    assert body.count(b"\r\n") == 100_001


def test_a_link_says_when_it_dies_and_is_in_no_log(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.found([finding()])
    monkeypatch.setenv("FINDINGS_LINK_MINUTES", "30")
    monkeypatch.setenv("FINDINGS_LINK_ROLE", ROLE)
    function.handler.handle(MONDAY, Call())
    [(_, text)] = aws.mails()
    [url] = [line for line in text.splitlines() if "X-Amz-Signature" in line]
    asked = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    signed = datetime.strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    [until] = [line for line in text.splitlines() if line.startswith("Until ")]
    told = datetime.strptime(until[6:25], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    lives = int(asked["X-Amz-Expires"])
    assert 1795 <= lives <= 1800
    assert abs((told - signed).total_seconds() - lives) <= 2
    assert "console.aws.amazon.com" in text
    logged = capsys.readouterr()
    assert REPORT in logged.out
    assert "X-Amz" not in logged.out + logged.err
    assert "Signature" not in logged.out + logged.err


def test_a_link_lives_no_longer_than_what_signed_it(function: Any, aws: Aws) -> None:
    """Credentials that die in ten minutes make a link of ten, whatever was chosen."""
    asked: dict[str, Any] = {}

    class Sts:
        def assume_role(self, **what: Any) -> Any:
            asked.update(what)
            ends = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 600, UTC)
            names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
            return {"Credentials": {**dict.fromkeys(names, "x"), "Expiration": ends}}

    link = function.links.opening(
        Sts(), role_arn=ROLE, region=REGION, minutes=60, bucket=BUCKET, key=REPORT
    )
    lives = int(parse_qs(urlsplit(link.url).query)["X-Amz-Expires"][0])
    assert 598 <= lives <= 600
    assert (link.until - datetime.now(UTC)).total_seconds() <= 600
    statements = json.loads(asked["Policy"])["Statement"]
    assert statements[0]["Action"] == "s3:GetObject"
    assert statements[0]["Resource"] == f"arn:aws:s3:::{BUCKET}/{REPORT}"
    assert asked["DurationSeconds"] == 3600
    assert link.url.startswith(f"https://{BUCKET}.s3.{REGION}.amazonaws.com/")


def test_a_report_that_is_overdue_is_made_and_no_other(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps the schedule from ringing, people hear within the days and half a day."""
    overdue = {"overdue": True}

    def at(day: int) -> dict[str, Any]:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime(2026, 11, day, 20, tzinfo=tz)

        monkeypatch.setattr(function.handler, "datetime", Clock)
        return function.handler.handle(overdue, Call())

    assert at(1)["told"] == "now", "the first of all is due at once"
    assert [at(day)["told"] for day in (1, 2, 8)] == ["lately"] * 3
    assert at(9)["told"] == "now"
    assert function.handler.handle({"time": "2026-11-16T08:00:00Z"}, Call())["told"] == "now"
    assert at(23)["told"] == "lately", "a report of the schedule counts as well"
    assert at(24)["told"] == "now"
    assert len(aws.mails()) == 4


def test_where_nobody_can_tell_whether_it_is_due_it_fails(
    aws: Aws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "ListObjectsV2")

    def no_list(*_: Any, **__: Any) -> Any:
        raise refused

    monkeypatch.setattr(function.shelf.Shelf, "told_since", no_list)
    with pytest.raises(ClientError):
        function.handler.handle({"overdue": True}, Call())
    assert aws.mails() == []


def test_a_call_by_hand_is_a_run_of_now(aws: Aws, function: Any) -> None:
    said = function.handler.handle({}, Call())
    ran = datetime.fromisoformat(said["run"])
    assert abs((datetime.now(UTC) - ran).total_seconds()) < 60
    assert said["report"] == f"reports/{ran:%Y/%m/%d}/findings-{ran:%Y%m%dT%H%M%SZ}.csv"

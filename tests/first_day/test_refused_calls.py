"""Whatever call AWS refuses, a day's end says whether anything is left, and can be gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.rehearsal.account import find_account, require_ready
from deploy.rehearsal.cost import Cost
from deploy.rehearsal.day import GONE, HELD, REFUSED, STAYS, Day
from deploy.rehearsal.deployment import Deployment
from deploy.rehearsal.first_day import main
from deploy.rehearsal.unfinished import Unfinished
from environments import DEV
from tests.first_day.stubs import ACCOUNT, NAME, REGION, TRIAL, Stubs, Time, subject
from tests.lifecycle.scene import NAMES, assembly, delete_stacks, environment
from tests.small_aws.account import Fault, Kind, SmallAws
from tests.small_aws.belongings import ProbeEc2, TaggedResources
from tests.small_aws.stacks import Stack, StackFormation

WORDS = {
    "refused": ("AccessDenied", "UnauthorizedOperation"),
    "throttled": ("Throttling", "SlowDown", "TooManyRequests", "RequestLimitExceeded"),
    "unanswered": ("Connection was closed",),
}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst.aws.erasing.time", SimpleNamespace(sleep=lambda _: None))


def account() -> SmallAws:
    aws = environment(NAME, ec2=ProbeEc2("vpce-1"), resourcegroupstaggingapi=TaggedResources())
    sqs, logs = cast("Any", aws.services["sqs"]), cast("Any", aws.services["logs"])
    del logs.groups[f"starburst-{NAME}-kept"]
    sqs.names += [f"starburst-{NAME}-probe{number}" for number in range(2)]
    return aws


def stacks(aws: SmallAws) -> dict[str, Stack]:
    return cast("StackFormation", aws.services["cloudformation"]).stacks


def cdk(aws: SmallAws, arguments: Sequence[str]) -> None:
    """Deploy what is missing, or destroy all there is."""
    if arguments[0] == "destroy":
        delete_stacks(aws, arguments, NAME)
        return
    for part in NAMES:
        stacks(aws).setdefault(f"starburst-{NAME}-{part}", Stack(resources={}))


def day(aws: SmallAws, folder: Path) -> Day:
    time = Time()
    deployment = Deployment(
        environment=TRIAL,
        clients=aws,
        assembly=assembly(folder / "out", NAME),
        say=lambda _: None,
        clock=time.clock,
        cdk=lambda arguments: cdk(aws, arguments),
    )
    record = Unfinished(environment="dev", name=NAME, account=ACCOUNT, region=REGION, workers=4)
    return Day(
        chosen=DEV,
        deployment=deployment,
        subject=lambda _: subject(Stubs(), time=time),
        checks=(),
        cost=Cost(hour=0.2, once=0.2, by_use=(), prices="List prices of eu-west-1."),
        record=record,
        folder=folder,
        accounts=False,
        ask=lambda _: "",
        clock=time.clock,
    )


def left(aws: SmallAws) -> list[str]:
    """Return what is still there of the throw-away environment."""
    services: Any = aws.services
    buckets = [name for name in services["s3"].buckets if name != "other-data"]
    queues = [name for name in services["sqs"].names if not name.endswith("-failures")]
    ours = [name for name in stacks(aws) if name.startswith(f"starburst-{NAME}-")]
    return [*ours, *buckets, *queues, *services["ecs"].running, *services["ec2"].endpoints]


def complaints(fault: Fault, folder: Path, capsys: Any, *, whole: bool) -> Iterator[str]:
    """Yield what is wrong with a day that met a fault."""
    aws = account()
    aws.fault = fault
    begun = day(aws, folder)
    begun.record.write(folder)
    code = begun.run(workers=False) if whole else begun.finish()
    aws.fault = None
    out = capsys.readouterr().out
    if not any(word in out for word in WORDS[fault.kind]):
        yield f"AWS's word is not told: {out}"
    if left(aws) and code != STAYS:
        yield f"it ended with {code}, and there is still {left(aws)}"
    if code not in (GONE, STAYS):
        yield f"it ended with {code}"
    recorded = Unfinished.read(folder, "dev") is not None
    if recorded != (code == STAYS):
        yield f"it ended with {code}, and {'has' if recorded else 'has not'} its name written down"
    said = "still there, and costs money" in out and "--destroy-only" in out
    if said != (code == STAYS):
        yield f"it ended with {code}, and says {out}"
    again = day(aws, folder).finish() if recorded else HELD
    if again != HELD or left(aws):
        yield f"a second run does not end it: {capsys.readouterr().out} {left(aws)}"
    capsys.readouterr()


@pytest.mark.parametrize("whole", [False, True], ids=["destroying", "all of it"])
@pytest.mark.parametrize("kind", WORDS)
def test_each_call_that_fails_is_told_and_nothing_stays_unseen(
    kind: Kind,
    whole: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = (tmp_path, tmp_path)  # hundreds of reports take seconds
    monkeypatch.setattr("deploy.rehearsal.report.Report.write", lambda *_, **__: nowhere)
    good = account()
    begun = day(good, tmp_path)
    assert (begun.run(workers=False) if whole else begun.finish()) == HELD
    assert left(good) == []
    capsys.readouterr()
    # What the end of a whole day calls is tried where it is alone.
    [ends, *_] = [n for n, call in enumerate(good.calls) if call.name == "ec2:DescribeVpcEndpoints"]
    wrong = [
        f"call {number}, {call}: {found}"
        for number, call in enumerate(good.calls[:ends] if whole else good.calls)
        if call.service != "cdk"
        for found in complaints(Fault(call=number, kind=kind), tmp_path, capsys, whole=whole)
    ]
    assert not wrong, "\n".join(wrong)


def test_where_the_words_of_a_failure_cannot_be_read_both_are_told(tmp_path: Path) -> None:
    aws = account()
    aws.fault = Fault(call=0, kind="throttled")  # every look at stacks
    finding = day(aws, tmp_path).deployment.deploy(workers=False)
    assert len(finding.answer.failed) == 2
    assert "what CloudFormation says of it cannot be read: Throttling" in finding.answer.failed[1]


class Caller:
    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ada"}


class Roles:
    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{RoleName}"}}


class Bootstrap:
    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        return {"Parameter": {"Value": "21"}}


class Quota:
    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}


def fresh() -> SmallAws:
    formation = StackFormation({f"starburst-{n}-a": Stack(resources={}) for n in ("dev", "prod")})
    services = {
        "sts": Caller(),
        "iam": Roles(),
        "ssm": Bootstrap(),
        "lambda": Quota(),
        "cloudformation": formation,
    }
    return SmallAws(services=services)


@pytest.mark.parametrize("kind", WORDS)
def test_each_call_that_fails_before_the_first_is_refused_and_nothing_is_created(
    kind: Kind,
    at_hand: list[Day],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("deploy.rehearsal.first_day.find_account", find_account)
    monkeypatch.setattr("deploy.rehearsal.first_day.require_ready", require_ready)

    def begin(aws: SmallAws) -> int:
        signed = SimpleNamespace(client=lambda service, config=None: aws(service))
        monkeypatch.setattr("boto3.Session", lambda region_name: signed)
        words = ["--environment", "dev", "--folder", str(tmp_path)]
        return main(words, ask=lambda _: ACCOUNT)

    good = fresh()
    assert begin(good) == 0
    assert len(at_hand) == 1
    capsys.readouterr()
    assert len(good.calls) >= 6
    for number in range(len(good.calls)):
        aws = fresh()
        aws.fault = Fault(call=number, kind=kind)
        assert begin(aws) == 2
        err = capsys.readouterr().err
        assert any(word in err for word in WORDS[kind])
        assert "othing was created" in err
        assert "again" in err
    assert len(at_hand) == 1


@pytest.mark.parametrize("destroy", ["goes", "stays"])
def test_a_report_that_cannot_be_written_hides_nothing_that_stays(
    destroy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("deploy.rehearsal.report.Report.write", full)
    aws = account()
    aws.fault = Fault(call=0, kind="refused") if destroy == "stays" else None
    assert day(aws, tmp_path).finish() == (STAYS if destroy == "stays" else GONE)
    out = capsys.readouterr().out
    assert "the report could not be written: no space left on device" in out
    assert ("still there, and costs money" in out) is (destroy == "stays")


def test_what_cannot_be_written_down_is_not_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    aws = account()
    begun = day(aws, tmp_path)
    begun.folder = tmp_path / "file"
    assert begun.run(workers=False) == REFUSED
    assert "nothing was created" in capsys.readouterr().err
    assert aws.calls == []

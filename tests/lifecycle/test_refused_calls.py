"""Whatever call AWS refuses, nothing later is done, it is told, and the same command goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.lifecycle import destroy as destroying
from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.up import deploy
from deploy.tools.cdk import CdkFailed
from tests.lifecycle.scene import NAMES, ORDERS, account, assembly, environment, left
from tests.small_aws.account import Call, Fault, Kind, SmallAws
from tests.small_aws.belongings import NoParameters
from tests.small_aws.order import Made, broken, is_effect
from tests.small_aws.stacks import Stack, StackFormation

WORDS = {
    "refused": ("AccessDenied", "UnauthorizedOperation"),
    "throttled": ("Throttling", "SlowDown", "TooManyRequests"),
    "unanswered": ("Connection was closed",),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("starburst.aws.erasing.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(destroying, "synthesized", lambda _, outdir: assembly(outdir))


def run(aws: SmallAws) -> int:
    hands = account(aws)
    return destroying.main(["--environment", "dev"], ask=lambda _: "dev", hands=lambda _: hands)


def history(aws: SmallAws) -> list[Made]:
    return [Made(call=call, done=call not in aws.failed) for call in aws.calls]


def complaints(good: SmallAws, fault: Fault, capsys: Any) -> Iterator[str]:
    """Yield what is wrong with a destruction that met a fault."""
    aws = environment()
    aws.fault = fault
    code = run(aws)
    aws.fault = None
    out, err = capsys.readouterr()
    if code != 1:
        yield f"it ended with {code}"
    if not any(word in err for word in WORDS[fault.kind]):
        yield f"AWS's word is not told: {err}"
    if "run the command again" not in err and "run the same command again" not in err:
        yield f"nobody is told what to do: {err}"
    if "environment dev is destroyed" in out:
        yield f"it says that all is gone: {out}"
    yield from broken(history(aws), ORDERS)
    late = [
        call for call in aws.calls[fault.call + 1 :] if is_effect(call) and call not in aws.failed
    ]
    # A bucket is emptied as far as it goes, so that what stays is all that is told.
    later = [call for call in late if call.service != "s3"]
    if later:
        yield f"it went on with {later[0]}"
    if run(aws) != 0 or left(aws) != left(good):
        yield f"a second run does not end it: {capsys.readouterr().err} {left(aws)}"
    capsys.readouterr()


@pytest.mark.parametrize("kind", WORDS)
def test_each_call_that_fails_ends_a_destruction_which_can_be_gone_on_with(
    kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    good = environment()
    good.checked = True
    assert run(good) == 0
    assert list(broken(history(good), ORDERS)) == []
    assert left(good) == {
        "stacks": ["starburst-dev2-storage"],
        "buckets": {},
        "running": [],
        "queues": ["starburst-dev-failures"],
        "groups": {"starburst-dev-kept": "key-1"},
        "instances": [],
    }
    capsys.readouterr()
    wrong = [
        f"call {number}, {call}: {found}"
        for number, call in enumerate(good.calls)
        if call.service != "cdk"
        for found in complaints(good, Fault(call=number, kind=kind), capsys)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.rule)
def test_a_broken_order_is_seen(order: Any) -> None:
    good = environment()
    assert run(good) == 0
    made = history(good)
    first = next(one for one in made if order.first(one.call))
    then = next(one for one in made if order.then(one.call))
    late = [*(one for one in made if one is not first), first]
    early = [then, *(one for one in made if one is not then)]
    assert list(broken(made, [order])) == []
    assert all(list(broken(planted, [order])) for planted in (late, early))


def made_by(aws: SmallAws, *, fails: bool = False) -> Any:
    """Return a CDK CLI that makes three stacks, and may fail after it has."""
    stacks = cast("StackFormation", aws.services["cloudformation"]).stacks

    def cdk(arguments: Sequence[str]) -> None:
        aws.calls.append(Call(service="cdk", operation="Deploy", words={"arguments": arguments}))
        stacks.update({f"starburst-dev-{name}": Stack(resources={}) for name in NAMES})
        if fails:
            raise CdkFailed("cdk deploy failed with exit code 1")

    return cdk


def protected(aws: SmallAws) -> list[str]:
    stacks = cast("StackFormation", aws.services["cloudformation"]).stacks
    return [name for name, stack in stacks.items() if stack.protected]


@pytest.mark.parametrize("fails", [False, True], ids=["deployed", "failed"])
@pytest.mark.parametrize("kind", WORDS)
def test_a_stack_that_cannot_be_protected_is_named_and_all_others_are(
    kind: Kind, fails: bool, tmp_path: Path
) -> None:
    def up(aws: SmallAws) -> None:
        deploy(account(aws, cdk=made_by(aws, fails=fails)), assembly=assembly(tmp_path))

    good = SmallAws(services={"cloudformation": StackFormation({}), "ssm": NoParameters()})
    with pytest.raises(CdkFailed) if fails else contextlib.nullcontext():
        up(good)
    assert len(protected(good)) == len(NAMES)
    [ended] = [number for number, call in enumerate(good.calls) if call.service == "cdk"]
    for number in range(ended + 1, len(good.calls)):
        aws = SmallAws(
            services={"cloudformation": StackFormation({}), "ssm": NoParameters()},
            fault=Fault(call=number, kind=kind),
        )
        with pytest.raises(LifecycleError) as told:
            up(aws)
        said = str(told.value)
        assert any(word in said for word in WORDS[kind])
        assert "Run the same command again" in said
        assert ("cdk deploy failed" in said) is fails
        assert "protected from deletion" in said
        if good.calls[number].operation == "UpdateTerminationProtection":
            for call in aws.failed:
                assert f"{call.words['StackName']} is not protected" in said
            tried = {c.words["StackName"] for c in aws.calls if c.operation.startswith("Update")}
            assert tried == {f"starburst-dev-{name}" for name in NAMES}
        aws.fault = None
        # A second run protects what the first has made.
        deploy(account(aws, cdk=lambda _: None), assembly=assembly(tmp_path))
        assert len(protected(aws)) == len(NAMES)

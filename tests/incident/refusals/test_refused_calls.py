"""Whatever call AWS refuses, an officer hears of it, all else is done, and a second run ends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.incident.refusals.scenes import SCENES, Scene, records
from tests.small_aws.account import Call, Fault, Kind, SmallAws
from tests.small_aws.order import Made, broken, is_effect

WORDS = {
    "refused": ("AccessDenied", "UnauthorizedOperation"),
    "throttled": ("Throttling", "SlowDown", "RequestLimitExceeded", "TooManyRequests"),
    "unanswered": ("Connection was closed", "ConnectionClosedError"),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("starburst.aws.erasing.time", SimpleNamespace(sleep=lambda _: None))


def effect(call: Call) -> tuple[str, ...]:
    """Return what a call changes: a record has a new name each time, a policy another moment."""
    about = ("RoleName", "PolicyName", "VersionId", "task", "AssociationId", "GroupId")
    if call.words.get("Key", "").startswith("incidents/"):
        return call.name, call.words["Key"].split("-")[1]
    return (
        call.name,
        str(call.words.get("Key", "")),
        *(str(call.words[name]) for name in about if name in call.words),
    )


def excused(scene: Scene, failed: list[Call], call: Call) -> bool:
    """Whether a call could not be made because of another that failed."""
    alike = ("RoleName", "PolicyName"), ("Bucket", "Key")
    return any(
        call.name in scene.hinders.get(one.name, ())
        or any(
            names[1] in one.words and all(one.words.get(n) == call.words.get(n) for n in names)
            for names in alike
        )
        for one in failed
    )


def run(scene: Scene, fault: Fault | None) -> tuple[SmallAws, int]:
    """Run a command in a new account; no effect may come before its record."""
    for path in records():
        path.unlink()
    aws = scene.prepared()
    there = {*records()} if scene.before else set()
    late: list[Call] = []

    def look(call: Call) -> None:
        begun = scene.main.__module__.endswith("isolate") or {*records()} - there
        if is_effect(call) and scene.record and not begun:
            late.append(call)

    aws.before, aws.fault, aws.checked = look, fault, fault is None
    code = scene.run(aws)
    aws.before, aws.fault = lambda call: None, None
    assert late == []
    return aws, code


def complaints(scene: Scene, good: SmallAws, fault: Fault, capsys: Any) -> Iterator[str]:
    """Yield what is wrong with a command that met a fault."""
    aws, code = run(scene, fault)
    out, err = capsys.readouterr()
    tried = {effect(call) for call in aws.calls}
    first = next(n for n, call in enumerate(good.calls) if is_effect(call))
    begins = fault.call <= first and good.calls[fault.call].name
    if code == 0:
        yield "it ended well"
    if not any(word in err for word in WORDS[fault.kind]):
        yield f"AWS's word is not told: {err}"
    if not any(word in err for word in ("again", "Keep its file")):
        yield f"nobody is told what to do: {err}"
    if scene.says and scene.says in out and scene.state(aws) != scene.state(good):
        yield f"it says that all was done: {out}"
    missed = [
        call
        for call in good.calls
        if is_effect(call) and effect(call) not in tried and not excused(scene, aws.failed, call)
    ]
    made = [call for call in aws.calls if is_effect(call) and call not in aws.failed]
    if begins in scene.gates and made:
        yield f"something was done without what it needs: {made[0]}"
    if missed and (made or begins not in scene.gates | scene.may_end):
        yield f"{len(missed)} steps were not tried, such as {missed[0]}"
    yield from broken(history(aws), scene.orders)
    again = scene.run(aws)
    out, err = capsys.readouterr()
    if again != 0 and not (scene.again and scene.again in err):
        yield f"a second run fails: {err}"
    if scene.state(aws) != scene.state(good):
        yield f"a second run does not end it: {scene.state(aws)}, not {scene.state(good)}"


def history(aws: SmallAws) -> list[Made]:
    return [Made(call=call, done=call not in aws.failed) for call in aws.calls]


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("kind", WORDS)
def test_each_call_that_fails_is_told_and_stops_nothing_else(
    name: str, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = SCENES[name]
    good, code = run(scene, None)
    out, _ = capsys.readouterr()
    assert code == 0
    assert scene.says in out
    assert list(broken(history(good), scene.orders)) == []
    wrong = [
        f"call {number}, {call}: {found}"
        for number, call in enumerate(good.calls)
        for found in complaints(scene, good, Fault(call=number, kind=kind), capsys)
    ]
    assert not wrong, "\n".join(wrong)

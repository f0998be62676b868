"""No session starts on an image with a finding, and none on an image that nobody can vouch for."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from dataclasses import replace
from typing import Any

import pytest

from starburst._client.access.controller import Control
from starburst.contract import Totals
from starburst.contract.image_gate import ImageGateDocument, ImageWaiver, image_gate_parameter
from tests.controller.effects.memory_world import MemoryWorld
from tests.controller.world import World, refused
from tests.manifests import a_manifest

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
DAY = 86_400.0
GATE = image_gate_parameter("prod")
CRITICAL = {
    **{"vulnerability": "CVE-2026-1", "severity": "CRITICAL", "package": "openssl"},
    **{"version": "3.0.1", "fixed": "3.0.7", "open": True, "updated": 1.0},
}
HIGH = {**CRITICAL, "vulnerability": "CVE-2026-0", "severity": "HIGH", "fixed": ""}


class Gate:
    """The gate's side of an environment."""

    def __init__(self, world: MemoryWorld, *, strict: bool = True) -> None:
        self.world = world
        world.environment.settings = replace(
            world.environment.settings, image_gate=GATE, image_gate_strict=strict
        )
        world.ecs.image = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/worker@{DIGEST}"
        world.deploy()
        self.deploy()
        self.check()
        self.image()

    def deploy(self, *waivers: ImageWaiver) -> None:
        text = ImageGateDocument(bucket="record", waivers=waivers).to_json()
        self.world.parameters.put_parameter(Name=GATE, Value=text, Type="String", Overwrite=True)

    def check(self, *, ago: float = 0) -> None:
        self.world.put("checked.json", json.dumps({"at": self.world.now - ago}).encode())

    def image(
        self, *findings: dict[str, Any], digest: str = DIGEST, scanned: bool = True, **more: Any
    ) -> None:
        record = {
            "scanned": self.world.now if scanned else None,
            "findings": {f"arn:{number}": one for number, one in enumerate(findings)},
            **more,
        }
        self.world.put(f"images/{digest.removeprefix('sha256:')}.json", json.dumps(record).encode())

    def refusal(self) -> str:
        """Return the one sentence that refuses a new session; empty where it starts."""
        before = len(self.world.ecs.live())
        answer = self.world.start(a_manifest(session=self._id()))
        if answer["ok"]:
            assert "warning" not in answer
            return ""
        assert answer["error"]["type"] == "ImageRefused"
        assert len(self.world.ecs.live()) == before
        return str(answer["error"]["message"])

    def _id(self) -> str:
        self.count = getattr(self, "count", 0) + 1
        return f"{self.count:020d}"


@pytest.fixture
def gate(world: MemoryWorld) -> Gate:
    return Gate(world)


def test_a_clean_image_starts(gate: Gate) -> None:
    assert gate.refusal() == ""
    assert gate.world.ecs.live()


def test_an_environment_without_a_gate_asks_nobody(world: MemoryWorld) -> None:
    world.deploy()
    world.ecs.image = "no digest"
    assert world.start()["ok"]


def test_the_worst_finding_is_named_with_package_and_what_to_do(gate: Gate) -> None:
    gate.image(HIGH, CRITICAL)
    said = gate.refusal()
    assert "workspace genomics" in said
    assert DIGEST in said
    assert "CRITICAL CVE-2026-1 in openssl 3.0.1, fixed in 3.0.7 and 1 more" in said
    assert "make image" in said
    assert "Inspector(accepted=…)" in said
    gate.image(HIGH)
    assert "HIGH CVE-2026-0 in openssl 3.0.1, for which there is no fix yet:" in gate.refusal()


def test_findings_of_another_image_and_closed_ones_refuse_nothing(gate: Gate) -> None:
    gate.image(CRITICAL, digest=OTHER)
    gate.image({**CRITICAL, "open": False})
    assert gate.refusal() == ""


def test_a_waiver_lets_one_finding_through_until_its_last_day(gate: Gate) -> None:
    gate.image(CRITICAL)
    gate.deploy(ImageWaiver(finding="CVE-2026-1", expires="2026-01-01"))
    now = gate.world.now
    today = ImageWaiver(finding="CVE-2026-1", expires=_day(now))
    gate.deploy(today)
    assert gate.refusal() == ""
    gate.image(CRITICAL, HIGH)
    assert "CVE-2026-0" in gate.refusal()
    gate.image(CRITICAL)
    gate.world.later(DAY)
    gate.check()
    assert f"(its waiver expired on {_day(now)})" in gate.refusal()


@pytest.mark.parametrize(
    ("waiver", "lets"),
    [
        ({}, True),
        ({"package": "openssl"}, True),
        ({"package": "zlib"}, False),
        ({"image": DIGEST}, True),
        ({"image": OTHER}, False),
        ({"finding": "CVE-2026-2"}, False),
        ({"finding": "cve-2026-1"}, True),
        ({"finding": "CVE-2026-11"}, False),
    ],
)
def test_a_waiver_covers_what_it_names_alone(
    gate: Gate, waiver: dict[str, str], lets: bool
) -> None:
    gate.image(CRITICAL)
    gate.deploy(ImageWaiver(**{"finding": "CVE-2026-1", "expires": _day(gate.world.now), **waiver}))
    assert (gate.refusal() == "") is lets


def test_a_waiver_of_one_package_covers_no_other_of_the_same_finding(gate: Gate) -> None:
    gate.image({**CRITICAL, "others": [{"package": "curl", "version": "8.0", "fixed": "8.1"}]})
    assert "CVE-2026-1 in curl 8.0, fixed in 8.1:" in gate.refusal()  # a finding, not two
    openssl, curl = (
        ImageWaiver(finding="CVE-2026-1", expires=_day(gate.world.now), package=package)
        for package in ("openssl", "curl")
    )
    gate.deploy(openssl)
    assert "in curl 8.0" in gate.refusal()
    gate.deploy(openssl, curl)
    assert gate.refusal() == ""
    gate.deploy(replace(openssl, package=""))
    assert gate.refusal() == ""


def test_a_finding_that_fell_below_hides_none_beside_it(world: MemoryWorld) -> None:
    gate = Gate(world, strict=False)
    gate.image({**CRITICAL, "severity": "MEDIUM", "open": False})
    assert gate.refusal() == ""
    gate.image({**CRITICAL, "severity": "MEDIUM", "open": False}, HIGH)
    assert "CVE-2026-0" in gate.refusal()


def test_every_part_of_an_index_is_judged(gate: Gate) -> None:
    gate.image(scanned=False, parts=[OTHER])
    assert "has not scanned" in gate.refusal()
    gate.image(digest=OTHER)
    assert gate.refusal() == ""
    gate.image(CRITICAL, digest=OTHER)
    assert "CVE-2026-1" in gate.refusal()
    gate.deploy(ImageWaiver(finding="CVE-2026-1", expires=_day(gate.world.now), image=DIGEST))
    assert gate.refusal() == ""


def _stale(gate: Gate) -> None:
    gate.check(ago=DAY + 1)


def _never_checked(gate: Gate) -> None:
    gate.world.put("checked.json", b"{}")


def _unscanned(gate: Gate) -> None:
    gate.image(scanned=False)


def _unknown(gate: Gate) -> None:
    gate.world.ecs.image = f"worker@{OTHER}"


def _by_tag(gate: Gate) -> None:
    gate.world.ecs.image = "worker:latest"


def _damaged(gate: Gate) -> None:
    gate.image({"severity": "LOUD"})


def _not_json(gate: Gate) -> None:
    gate.world.put("checked.json", b"no JSON")


def _store_fails(gate: Gate) -> None:
    stored = gate.world.store.get_object

    def fails(*, Bucket: str, Key: str) -> Any:
        if Bucket == "record":
            raise refused("SlowDown")
        return stored(Bucket=Bucket, Key=Key)

    gate.world.store.get_object = fails  # type: ignore[method-assign]


def _no_parameter(gate: Gate) -> None:
    gate.world.environment.settings = replace(
        gate.world.environment.settings, image_gate="/starburst/prod/elsewhere"
    )


def _odd_parameter(gate: Gate) -> None:
    gate.world.parameters.put_parameter(Name=GATE, Value="{}", Type="String", Overwrite=True)


DOUBTS = {
    _stale: "more than a day ago",
    _never_checked: "not compared its record",
    _unscanned: "has not scanned",
    _unknown: "has not scanned",
    _by_tag: "by its digest",
    _damaged: "malformed",
    _not_json: "cannot be read",
    _store_fails: "SlowDown",
    _no_parameter: "cannot be read",
    _odd_parameter: "cannot be read",
}


@pytest.mark.parametrize("doubt", DOUBTS, ids=lambda one: one.__name__)
def test_what_nobody_can_vouch_for_is_refused_in_production_and_warned_of_elsewhere(
    world: MemoryWorld, doubt: Any
) -> None:
    gate = Gate(world)
    doubt(gate)
    assert DOUBTS[doubt] in gate.refusal()
    world.environment.settings = replace(world.environment.settings, image_gate_strict=False)
    answer = world.start()
    assert answer["ok"]
    assert DOUBTS[doubt] in answer["warning"]


def test_a_day_is_not_too_old_and_an_old_record_still_names_its_findings(gate: Gate) -> None:
    gate.check(ago=DAY)
    assert gate.refusal() == ""
    gate.check(ago=2 * DAY)
    gate.image(CRITICAL)
    assert "CVE-2026-1" in gate.refusal()


def test_findings_refuse_outside_production_as_well(world: MemoryWorld) -> None:
    gate = Gate(world, strict=False)
    gate.image(CRITICAL)
    assert "CVE-2026-1" in gate.refusal()


def test_an_image_that_cannot_be_scanned_is_let_through_by_a_waiver(gate: Gate) -> None:
    gate.image(scanned=False)
    gate.deploy(ImageWaiver(finding="unscanned", expires=_day(gate.world.now)))
    assert gate.refusal() == ""
    gate.image(CRITICAL, scanned=False)
    assert "CVE-2026-1" in gate.refusal()


def test_ten_thousand_findings_are_judged_and_counted(gate: Gate) -> None:
    many = [{**HIGH, "vulnerability": f"CVE-2026-{number:05d}"} for number in range(10_000)]
    gate.image(*many)
    assert "CVE-2026-00000 in openssl 3.0.1, for which there is no fix yet and 9999 more" in (
        gate.refusal()
    )


def test_a_session_that_waits_for_room_is_judged_again_at_its_turn(gate: Gate) -> None:
    world = gate.world
    world.deploy(totals=Totals(sessions=1))
    first, second = a_manifest(), a_manifest(session="b" * 20, wait_seconds=600)
    assert world.start(first)["ok"]
    assert world.start(second)["ok"]
    gate.image(CRITICAL)
    world.request(first.keys, "stop")
    world.later(60)
    world.sweep()
    status = world.status(second.keys)
    assert status.state == "failed"
    assert "CVE-2026-1" in status.reason


def test_running_sessions_go_on_and_lost_workers_are_replaced(gate: Gate) -> None:
    world: World = gate.world
    manifest = a_manifest()
    world.send(world.start(manifest)["queue_url"], 50)
    gate.image(CRITICAL)
    [*_, last] = world.ecs.live()
    world.ecs.end(last, exit_code=137)
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == manifest.workers
    # Asking again for what was granted starts nothing new, so nothing is judged again.
    assert world.request(manifest.keys, "start")["ok"]


class _Answers:
    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def __call__(self, *_: Any, **__: Any) -> dict[str, Any]:
        return self._answer


@pytest.mark.parametrize("warning", ["", "sessions start all the same"])
def test_a_client_is_warned_in_so_many_words(warning: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"warning": warning} if warning else {}
    monkeypatch.setattr(Control, "_request", _Answers({"ok": True, "queue_url": "q", **said}))
    control = object.__new__(Control)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert control.start() == "q"
    assert [str(one.message) for one in caught] == ([warning] if warning else [])


def _day(now: float) -> str:
    return dt.datetime.fromtimestamp(now, dt.UTC).date().isoformat()

"""The gate keeps what Inspector says, whatever order it comes in and whatever vanishes."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.addons.inspector.conftest import Scene
from tests.addons.inspector.findings import (
    DIGEST,
    OTHER,
    REPOSITORY,
    finding,
    of_instance,
    scanned,
    told,
    written,
)
from tests.controller.world import refused

KEY = f"images/{'a' * 64}.json"


def test_an_event_as_aws_documents_it_is_kept(scene: Scene) -> None:
    assert scene.tell(told(finding(fixed="1.4.4"))) == {"opened": 1}
    [kept] = scene.kept(KEY)["findings"].values()
    assert kept == {
        "vulnerability": "CVE-2019-17498",
        "severity": "CRITICAL",
        "package": "libssh2",
        "version": "1.4.3",
        "fixed": "1.4.4",
        "updated": dt.datetime(2021, 12, 3, 18, 2, 30, tzinfo=dt.UTC).timestamp(),
    }


def test_every_package_of_a_finding_is_kept(scene: Scene) -> None:
    several = finding()
    named = several["packageVulnerabilityDetails"]["vulnerablePackages"]
    named += [
        {"name": "curl", "version": "8.0", "fixedInVersion": "8.1"},
        {"name": "zlib", "version": "1.2", "fixedInVersion": "NotAvailable"},
    ]
    scene.tell(told(several))
    [kept] = scene.kept(KEY)["findings"].values()
    assert kept["package"] == "libssh2"
    assert kept["others"] == [
        {"package": "curl", "version": "8.0", "fixed": "8.1"},
        {"package": "zlib", "version": "1.2"},
    ]


def test_an_image_that_inspector_stops_to_scan_is_unknown(scene: Scene) -> None:
    """As where somebody switches Inspector off: nothing is found in it, whatever is in it."""
    scene.inspector.scan(DIGEST)
    scene.compare()
    assert scene.kept(KEY)["scanned"] == 1.0
    scene.inspector.scan(DIGEST, active=False)
    scene.compare()
    assert scene.kept(KEY)["scanned"] is None


@pytest.mark.parametrize("severity", ["MEDIUM", "LOW", "INFORMATIONAL", "UNTRIAGED"])
def test_what_is_less_severe_refuses_nothing(scene: Scene, severity: str) -> None:
    scene.inspector.scan(DIGEST)
    scene.tell(told(finding(severity=severity)))
    assert scene.open(DIGEST) == set()


def test_an_image_of_another_repository_is_another_image(scene: Scene) -> None:
    elsewhere = f"{REPOSITORY}-too"
    scene.tell(told(finding(repository=elsewhere)))
    account = REPOSITORY.replace("222233334444", "999988887777")
    scene.tell(told(finding("CVE-2026-7", repository=account)))
    assert scene.open(DIGEST) == set()
    assert len(scene.lines) == 2  # the owner of the account hears of it all the same


def test_a_gate_beside_the_owners_hears_of_its_own_images_alone(gate_module: Any) -> None:
    scene = Scene(gate_module, account=False)
    assert scene.tell(told(of_instance())) == {"opened": 0}
    assert scene.tell(told(finding())) == {"opened": 1}
    assert [*scene.store.objects] == [KEY]


def test_what_is_found_in_an_instance_is_told_once(scene: Scene) -> None:
    assert scene.tell(told(of_instance())) == {"opened": 1}
    assert scene.tell(told(of_instance())) == {"opened": 0}
    assert [one["resource"] for one in scene.lines] == ["i-0c2a343f1948d5205"]


def test_a_repeated_event_changes_nothing_and_tells_nothing(scene: Scene) -> None:
    scene.tell(told(finding()))
    before = scene.store.objects[KEY]
    assert scene.tell(told(finding())) == {"opened": 0}
    assert scene.store.objects[KEY] == before
    assert len(scene.lines) == 1


def test_a_closed_finding_frees_the_image_that_inspector_still_scans(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.tell(told(finding(updated=written(1_600_000_000))))
    scene.tell(told(finding(status="CLOSED", updated=written(1_600_000_060))))
    assert scene.open(DIGEST) == set()


@pytest.mark.parametrize("state", ["gone", "inactive", "never scanned"])
def test_a_finding_that_closes_with_its_image_still_refuses(scene: Scene, state: str) -> None:
    if state != "gone":
        never = state == "never scanned"
        scene.inspector.scan(DIGEST, active=never, at=None if never else 1.0)
    scene.tell(told(finding(updated=written(1_600_000_000))))
    scene.tell(told(finding(status="CLOSED", updated=written(1_600_000_060))))
    scene.compare()
    assert scene.open(DIGEST) == {"CVE-2019-17498"}


def test_events_out_of_order_undo_nothing(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    first, second = written(1_600_000_000), written(1_600_000_060)
    scene.tell(told(finding(status="CLOSED", updated=second)))
    scene.tell(told(finding(updated=first)))
    assert scene.open(DIGEST) == set()
    scene.tell(told(finding("CVE-2026-2", updated=second)))
    scene.tell(told(finding("CVE-2026-2", status="CLOSED", updated=first)))
    assert scene.open(DIGEST) == {"CVE-2026-2"}
    # At one and the same second, what stands counts.
    scene.tell(told(finding("CVE-2026-2", status="CLOSED", updated=second)))
    assert scene.open(DIGEST) == {"CVE-2026-2"}


def test_a_finding_that_comes_back_is_told_again(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    for status, at in (("ACTIVE", 0), ("CLOSED", 60), ("ACTIVE", 120)):
        scene.tell(told(finding(status=status, updated=written(1_600_000_000 + at))))
    assert scene.open(DIGEST) == {"CVE-2019-17498"}
    assert len(scene.lines) == 2


def test_what_somebody_suppressed_in_inspector_still_stands(scene: Scene) -> None:
    scene.tell(told(finding(status="SUPPRESSED")))
    assert scene.open(DIGEST) == {"CVE-2019-17498"}
    scene.inspector.scan(OTHER)
    scene.inspector.found = [finding("CVE-2026-3", digest=OTHER, status="SUPPRESSED")]
    scene.compare()
    assert scene.open(OTHER) == {"CVE-2026-3"}


def test_a_comparison_finds_what_no_event_told_and_says_when(scene: Scene) -> None:
    scene.inspector.scan(DIGEST, at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    scene.inspector.found = [finding(updated=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))]
    assert scene.compare() == {"images": 1, "opened": 1}
    assert scene.open(DIGEST) == {"CVE-2019-17498"}
    assert scene.kept("checked.json") == {"at": scene.now, "images": 1}
    assert scene.kept(KEY)["scanned"] == dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()


def test_a_comparison_frees_what_was_mended_or_fell_and_keeps_what_just_came(
    scene: Scene,
) -> None:
    scene.inspector.scan(DIGEST)
    scene.tell(told(finding("CVE-2026-1", updated=written(scene.now - 3600))))
    scene.tell(told(finding("CVE-2026-2", updated=written(scene.now - 60))))
    scene.tell(told(finding("CVE-2026-3", updated=written(scene.now - 3600))))
    scene.inspector.found = [finding("CVE-2026-3", severity="MEDIUM")]
    scene.compare()
    assert scene.open(DIGEST) == {"CVE-2026-2"}
    # What Inspector lists again, by the same time, stands again.
    scene.inspector.found = [finding("CVE-2026-1", updated=scene.now - 3600)]
    scene.compare()
    assert "CVE-2026-1" in scene.open(DIGEST)


def test_what_vanishes_with_its_image_stays_known(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.inspector.found = [finding()]
    scene.compare()
    scene.inspector.covered, scene.inspector.found = {}, []
    scene.now += 4 * 86_400
    scene.compare()
    assert scene.open(DIGEST) == {"CVE-2019-17498"}
    # Nor would it hear of what is found from now on.
    assert scene.kept(KEY)["scanned"] is None
    # Pushed again and scanned again without it, it is free.
    scene.inspector.scan(DIGEST, at=2.0)
    scene.compare()
    assert scene.open(DIGEST) == set()


def test_closed_findings_are_forgotten_after_a_month_and_open_ones_never(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.inspector.found = [finding("CVE-2026-1"), finding("CVE-2026-2")]
    scene.compare()
    scene.inspector.found = scene.inspector.found[:1]
    scene.compare()
    assert len(scene.kept(KEY)["findings"]) == 2
    scene.now += 31 * 86_400
    scene.compare()
    assert scene.open(DIGEST) == {"CVE-2026-1"}
    assert len(scene.kept(KEY)["findings"]) == 1


def gone(scene: Scene, *, days: float) -> None:
    """The registry has it no more, and Inspector forgets it; so many days pass."""
    scene.inspector.covered, scene.inspector.found, scene.inspector.pushed = {}, [], []
    scene.inspector.indexes = {}
    scene.compare()
    scene.now += days * 86_400
    scene.compare()


def test_a_clean_image_that_is_gone_is_forgotten_after_a_month(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.compare()
    gone(scene, days=29)
    assert KEY in scene.store.objects
    scene.now += 2 * 86_400
    scene.compare()
    assert KEY not in scene.store.objects
    # What is not known is not trusted: pushed again it waits for its scan, as a new one does.
    scene.inspector.scan(DIGEST, at=None)
    scene.compare()
    assert scene.kept(KEY)["scanned"] is None


def test_an_image_that_the_registry_has_is_not_gone_whatever_inspector_says(scene: Scene) -> None:
    """As where Inspector is switched off, or answers with nothing."""
    scene.inspector.scan(DIGEST)
    scene.compare()
    scene.inspector.covered, scene.inspector.pushed = {}, [DIGEST]
    scene.compare()
    scene.now += 400 * 86_400
    scene.compare()
    assert "gone" not in scene.kept(KEY)


def test_one_that_comes_back_in_time_begins_anew(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.compare()
    gone(scene, days=20)
    scene.inspector.scan(DIGEST)
    scene.compare()
    gone(scene, days=20)
    assert KEY in scene.store.objects


def test_what_stands_in_an_image_is_never_forgotten(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.inspector.found = [finding()]
    scene.compare()
    gone(scene, days=4_000)
    assert scene.open(DIGEST) == {"CVE-2019-17498"}
    # Pushed again by the same digest it is refused before anybody scans it.
    scene.inspector.pushed = [DIGEST]
    scene.compare()
    assert scene.open(DIGEST) == {"CVE-2019-17498"}


def test_an_index_is_remembered_as_long_as_something_stands_in_a_part(scene: Scene) -> None:
    index = f"images/{'b' * 64}.json"
    for found in ([finding()], []):
        scene.inspector.indexes[OTHER] = [{"digest": DIGEST, "platform": {"os": "linux"}}]
        scene.inspector.scan(DIGEST)
        scene.inspector.found = found
        scene.compare()
        scene.now += 3600
        scene.compare()
        gone(scene, days=31)
        assert (index in scene.store.objects, KEY in scene.store.objects) == (bool(found),) * 2


def test_a_finding_that_comes_while_an_image_is_forgotten_stays(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.compare()

    def and_meanwhile(_: object) -> bool:
        return bool(scene.tell(told(finding())))

    assert not scene.gate.record.forget(KEY, and_meanwhile)
    assert scene.open(DIGEST) == {"CVE-2019-17498"}
    assert scene.gate.record.forget(KEY, lambda _: True)


def test_each_comparison_that_ends_says_so_and_no_other_call(scene: Scene) -> None:
    """An alarm counts these lines: an event of Inspector, or one that fails, is none."""
    scene.tell(told(finding()))
    scene.inspector.fails = refused("AccessDeniedException")
    with pytest.raises(ClientError):
        scene.compare()
    assert scene.beats == []
    scene.inspector.fails = None
    scene.compare()
    assert scene.beats == [{"image_gate": "compared", "images": 1}]


def test_an_index_is_known_by_its_parts_without_the_builders_attestation(scene: Scene) -> None:
    scene.inspector.indexes[OTHER] = [
        {"digest": DIGEST, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": "sha256:" + "d" * 64, "platform": {"os": "unknown", "architecture": "unknown"}},
        # Of no platform, which the format lets it be: it counts.
        {"digest": "sha256:" + "e" * 64, "platform": None},
    ]
    scene.compare()
    parts = [DIGEST, "sha256:" + "e" * 64]
    assert scene.kept(f"images/{'b' * 64}.json")["parts"] == parts


def test_a_first_scan_is_known_at_once_with_what_it_found(scene: Scene) -> None:
    scene.inspector.scan(DIGEST, at=5.0)
    scene.inspector.scan(OTHER, at=6.0)
    scene.inspector.found = [finding(), finding(digest=OTHER)]
    assert scene.tell(scanned()) == {"images": 1, "opened": 1}
    assert scene.kept(KEY)["scanned"] == 5.0
    assert scene.open(OTHER) == set()
    assert "checked.json" not in scene.store.objects
    assert scene.tell(scanned(repository=f"{REPOSITORY}-too"))["images"] == 0


def test_an_empty_repository_is_compared_too(scene: Scene) -> None:
    assert scene.compare() == {"images": 0, "opened": 0}
    assert scene.kept("checked.json")["images"] == 0


def test_where_inspector_fails_the_record_does_not_say_that_it_is_of_today(scene: Scene) -> None:
    scene.inspector.fails = refused("ThrottlingException")
    with pytest.raises(ClientError):
        scene.compare()
    assert "checked.json" not in scene.store.objects


def test_ten_thousand_findings_come_by_pages_and_are_written_once(scene: Scene) -> None:
    scene.inspector.scan(DIGEST)
    scene.inspector.found = [finding(f"CVE-2026-{number}") for number in range(10_000)]
    assert scene.compare() == {"images": 1, "opened": 10_000}
    assert len(scene.open(DIGEST)) == 10_000
    assert scene.store.writes == 2
    assert scene.inspector.asked[-1]["maxResults"] == 100


def test_two_at_once_lose_no_finding(scene: Scene) -> None:
    got, first = scene.store.get_object, [True]

    def late(**asked: Any) -> Any:
        answer = None
        try:
            answer = got(**asked)
        finally:
            if first.pop() if first else False:
                scene.tell(told(finding("CVE-2026-2")))
        return answer

    scene.store.get_object = late  # type: ignore[method-assign]
    scene.tell(told(finding("CVE-2026-1")))
    assert scene.open(DIGEST) == {"CVE-2026-1", "CVE-2026-2"}


def test_who_loses_every_race_says_so(scene: Scene) -> None:
    def outrun(**_: Any) -> Any:
        raise refused("PreconditionFailed")

    scene.store.put_object = outrun  # type: ignore[method-assign]
    with pytest.raises(sys.modules["record"].Conflict, match="8 times"):
        scene.tell(told(finding()))


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.ec2", "detail": {}},
        {"source": "aws.inspector2", "detail": "text", "detail-type": "Inspector2 Finding"},
        {"source": "aws.inspector2", "detail": {}, "detail-type": "Inspector2 Coverage"},
        told(finding(updated="yesterday")),
        told({"status": "ACTIVE", "resources": [{"id": "an image without a type"}]}),
    ],
)
def test_what_is_no_event_of_inspector_is_refused_and_not_kept(
    scene: Scene, event: dict[str, Any]
) -> None:
    with pytest.raises(sys.modules["findings"].Malformed):
        scene.tell(event)
    assert not scene.store.objects

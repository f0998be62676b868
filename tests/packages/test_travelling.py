"""What travels: from each kind of source, once, and no longer than it must."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from starburst._packages import resolving
from starburst._packages.cache import wheel_path
from starburst._packages.closure import of_starburst
from starburst.contract import PackagesDocument
from starburst.errors import IntegrityError, PackagesRefused
from tests.packages.conftest import BUCKET, Desk
from tests.packages.wheels import entry, lock, sha256, wheel


def names(desk: Desk, packages: Any) -> list[str]:
    return [each.name for each in desk.plan(packages).choices]


def test_requirements_travel_with_what_they_need(desk: Desk, offered: Path) -> None:
    first, second = wheel(offered, "small", needs=("other>=2",)), wheel(offered, "other", "2.0")
    wheel(offered, "other", "1.0")
    sent = desk.plan(["small"]).send(desk.store)
    assert [(each.name, each.version) for each in sent.wheels] == [
        ("other", "2.0"),
        ("small", "1.0"),
    ]
    for path, listed in zip((second, first), sent.wheels, strict=True):
        assert listed.sha256 == sha256(path)
        assert listed.filename == path.name
        body = desk.s3.get_object(Bucket=BUCKET, Key=listed.key("study"))["Body"].read()
        assert body == path.read_bytes()
        assert len(body) == listed.size


def test_a_lock_of_uv_leaves_ones_own_project_out(
    desk: Desk, offered: Path, tmp_path: Path
) -> None:
    wheel(offered, "small", needs=("other",))
    wheel(offered, "other")
    wheel(offered, "linter")
    project = tmp_path / "mine"
    (project / "src/mine").mkdir(parents=True)
    (project / "src/mine/__init__.py").touch()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["small"]\n[dependency-groups]\ndev = ["linter"]\n'
        '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
    )
    source = resolving.Source(kind="names")
    resolving._uv(("lock", "--directory", str(project), "--python", sys.executable), source)
    assert names(desk, project / "uv.lock") == ["other", "small"]


def test_a_requirements_file_travels_by_its_hashes(
    desk: Desk, offered: Path, tmp_path: Path
) -> None:
    path = wheel(offered, "small")
    listed = tmp_path / "requirements.txt"
    listed.write_text(
        "# all of it\n-e ./mine\nsmall==1.0 ; python_version > '3' \\\n"
        f"    --hash=sha256:{'1' * 64} \\\n"
        f"    --hash=sha256:{sha256(path)}  # via mine\n"
    )
    assert names(desk, listed) == ["small"]


def test_what_is_for_other_systems_stays(desk: Desk, offered: Path, tmp_path: Path) -> None:
    small, other = wheel(offered, "small"), wheel(offered, "other")
    path = lock(
        tmp_path,
        entry(small).replace("\n", "\nmarker = \"sys_platform == 'win32'\"\n", 1),
        entry(other),
    )
    assert names(desk, path) == ["other"]


def test_what_the_image_has_in_the_same_version_stays(desk: Desk, offered: Path) -> None:
    wheel(offered, "small", needs=("other",))
    wheel(offered, "other", "2.0")
    desk.document = PackagesDocument(policy="any", image={"small": "0.9", "other": "2.0"})
    plan = desk.plan(["small"])
    assert [each.name for each in plan.choices] == ["small"]
    assert plan.in_image == {"other": "2.0"}


def test_nothing_of_what_starburst_needs_travels(desk: Desk, offered: Path) -> None:
    wheel(offered, "small", needs=("msgpack",))
    wheel(offered, "msgpack", "0.1")
    plan = desk.plan(["small"])
    assert [each.name for each in plan.choices] == ["small"]
    assert plan.left_out == {"msgpack": ("0.1", of_starburst()["msgpack"])}


def test_a_second_start_asks_nobody_and_writes_nothing(
    desk: Desk, offered: Path, no_uv: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(offered, "small")
    first = desk.plan(["small==1.0"]).send(desk.store)
    no_uv()
    monkeypatch.setattr(desk.s3, "put_object", None)
    plan = desk.plan(["small==1.0"])
    assert plan.missing == ()
    assert plan.send(desk.store) == first


def test_what_has_several_answers_is_asked_again_after_a_day(
    desk: Desk, offered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(offered, "small")
    assert desk.plan(["small"]).choices[0].version == "1.0"
    wheel(offered, "small", "2.0")
    assert desk.plan(["small"]).choices[0].version == "1.0"
    now = dt.datetime.now(dt.UTC).timestamp()
    monkeypatch.setattr("starburst._packages.cache.time.time", lambda: now + 90_000)
    assert desk.plan(["small"]).choices[0].version == "2.0"


def test_a_wheel_whose_place_is_not_remembered_is_asked_for_again(
    desk: Desk, offered: Path
) -> None:
    path = wheel(offered, "small")
    desk.plan(["small==1.0"])
    assert not wheel_path(sha256(path)).exists()
    assert desk.plan(["small==1.0"]).send(desk.store).wheels[0].sha256 == sha256(path)


def test_a_damaged_wheel_in_the_cache_is_fetched_again(desk: Desk, offered: Path) -> None:
    path = wheel(offered, "small")
    kept = wheel_path(sha256(path))
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"damaged")
    desk.plan(["small"]).send(desk.store)
    body = desk.s3.get_object(Bucket=BUCKET, Key=desk.stored()[0])["Body"].read()
    assert body == path.read_bytes()


def test_two_clients_send_the_same_wheel(desk: Desk, offered: Path) -> None:
    for number in range(5):
        wheel(offered, f"small{number}")
    wanted = [f"small{number}" for number in range(5)]
    plans = [desk.plan(wanted), desk.plan(wanted)]  # each sees that all is missing
    together = threading.Barrier(2)

    def send(plan: Any) -> Any:
        together.wait(10)
        return plan.send(desk.store)

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(send, plans)
    assert one == two
    assert len(desk.stored()) == 5


def test_a_wheel_is_written_once_more_before_it_is_too_old(desk: Desk, offered: Path) -> None:
    wheel(offered, "small")
    first = desk.plan(["small"]).send(desk.store)
    desk.later = desk.document.days - 1
    assert desk.plan(["small"]).send(desk.store) == first
    desk.later = desk.document.days + 1
    renewed = desk.plan(["small"]).send(desk.store)
    assert [each.copy for each in (*first.wheels, *renewed.wheels)] == [0, 1]
    assert renewed.digest != first.digest
    assert [key[-3:] for key in desk.stored()] == [".00", ".01"]
    # And who comes after that takes the new one, also once the first has expired.
    wheels = [(each.sha256, each.copy) for each in renewed.wheels]
    desk.later = 0
    desk.s3.delete_object(Bucket=BUCKET, Key=desk.stored()[0])
    again = desk.plan(["small"]).send(desk.store)
    assert [(each.sha256, each.copy) for each in again.wheels] == wheels


def test_who_may_not_renew_says_so(desk: Desk, offered: Path) -> None:
    wheel(offered, "small")
    desk.document = PackagesDocument(policy="allowed", allowed=("small",))
    desk.steward = True
    desk.plan(["small"]).send(desk.store)
    desk.steward = False
    assert desk.plan(["small"]).aging == ()
    desk.later = desk.document.days + 1
    plan = desk.plan(["small"])
    assert [each.name for each in plan.aging] == ["small"]
    assert plan.missing == ()


def test_another_file_under_a_wheels_hash_is_found(desk: Desk, offered: Path) -> None:
    path = wheel(offered, "small")
    desk.s3.put_object(
        Bucket=BUCKET,
        Key=f"packages/study/{sha256(path)}.00",
        Body=b"somebody's own",
        ChecksumAlgorithm="SHA256",
    )
    with pytest.raises(IntegrityError, match="holds another file than its name says"):
        desk.plan(["small"])


def test_a_failure_stops_what_is_on_its_way(desk: Desk, offered: Path) -> None:
    paths = [wheel(offered, f"small{number}") for number in range(3)]
    plan = desk.plan([path.name.partition("-")[0] for path in paths])
    paths[0].unlink()
    with pytest.raises(Exception, match="small0"):
        plan.send(desk.store)
    assert not desk.stored()


def test_an_interrupt_is_no_end(desk: Desk, offered: Path) -> None:
    """What was there by then is not sent again."""
    for number in range(3):
        wheel(offered, f"small{number}")
    wanted = [f"small{number}" for number in range(3)]
    seen: list[int] = []

    def told(nbytes: int) -> None:
        seen.append(nbytes)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.plan(wanted).send(desk.store, sent=told)
    there = len(desk.stored())
    assert there
    plan = desk.plan(wanted)
    assert len(plan.missing) == 3 - len(desk.stored())
    assert len(plan.send(desk.store).wheels) == 3


def test_what_was_verified_once_is_told_by_one_list(
    desk: Desk, offered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [wheel(offered, "small"), wheel(offered, "other")]
    wanted = ["small==1.0", "other==1.0"]
    first = desk.plan(wanted).send(desk.store)
    desk.plan(wanted)  # S3 is asked for the hash of each
    with monkeypatch.context() as alone:
        alone.setattr(desk.s3, "head_object", None)
        assert desk.plan(wanted).send(desk.store) == first
    # Another object under the same key is looked at again, whatever was known of the first.
    key = f"packages/study/{sha256(paths[0])}.00"
    desk.s3.put_object(Bucket=BUCKET, Key=key, Body=b"theirs", ChecksumAlgorithm="SHA256")
    with pytest.raises(IntegrityError, match="another file than its name says"):
        desk.plan(wanted)


def test_what_workers_have_needs_no_wheel(desk: Desk, offered: Path, tmp_path: Path) -> None:
    """So that it helps to have the image carry it, and a lock may name Starburst's own folder."""
    path = lock(
        tmp_path,
        entry(wheel(offered, "small")),
        'name = "starburst"\ndirectory = { path = "worker" }',
        'name = "carried"\nversion = "1.0"\nvcs = { type = "git", url = "https://x/c", '
        'commit-id = "0" }',
    )
    desk.document = PackagesDocument(policy="any", image={"carried": "1.0"})
    assert names(desk, path) == ["small"]
    desk.document = PackagesDocument(policy="any", image={"carried": "1.1"})
    with pytest.raises(PackagesRefused, match="carried comes from a repository"):
        desk.plan(path)

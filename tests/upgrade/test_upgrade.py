"""A release is deployed over the last one, and that one again, while sessions run: nothing is lost.

The last release is kept as it was (``recorded/``): its templates and its runtime. Its clients and
workers are processes of that runtime; what is deployed over it is this working tree.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.changing.assembly import described
from deploy.changing.changes import changes
from deploy.changing.stops import stops
from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.deployed import deployed
from deploy.lifecycle.local import account_of
from environments import ALL
from tests.some import some
from tests.upgrade.load import Load, Outcome, lost, under_load
from tests.upgrade.recording import RECORDED, Release, opened
from tests.upgrade.scene import AnalystError, Scene, scene

LAST = max(RECORDED.iterdir(), key=lambda file: tuple(map(int, file.name.split(".")[:3])))
GUARD_SECONDS = 900
"""A guard against what hangs, never a verdict."""

pytestmark = pytest.mark.timeout(GUARD_SECONDS)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("upgrade"), LAST) as found:
        yield found


def test_no_task_is_lost_when_a_release_comes_and_goes(here: Scene) -> None:
    for old, new in ((here.before, here.after), (here.after, here.before)):
        found = here.looks(new)
        assert found.changes
        assert not found.stops
        assert not [one for one in found.changes if one.stateful and one.word != "changes"]
        assert lost(under_load(here, old, new)) == []


def test_a_replaced_bucket_is_refused_before_anything_is_deployed(
    here: Scene, tmp_path: Path
) -> None:
    """The first negative control: a release that gives the data bucket another name."""
    seeded = shutil.copytree(here.after.assembly, tmp_path / "seeded")
    (file,) = seeded.glob("assembly-local/localstorage*.template.json")
    template = json.loads(file.read_text())
    (bucket,) = (name for name in template["Resources"] if name.startswith("Data666"))
    template["Resources"][bucket]["Properties"]["BucketName"] = "renamed"
    file.write_text(json.dumps(template))
    was = deployed(account_of(here.deployment))
    with pytest.raises(LifecycleError, match="would be replaced by an empty one"):
        here.deploys(replace(here.after, assembly=seeded))
    assert deployed(account_of(here.deployment)) == was


def test_workers_of_another_format_are_noticed(here: Scene, tmp_path: Path) -> None:
    """The second: a release whose workers write results as the client of the last reads none."""
    seeded = shutil.copytree(here.before.runtime, tmp_path / "seeded")
    module = seeded / "starburst/_protocol/sealed/result_nodes.py"
    text = module.read_text()
    assert text.count('format="results"') == 1
    module.write_text(text.replace('format="results"', 'format="outcomes"'))
    here.puts(here.before, runtime=seeded)
    try:
        with here.analyst(here.before) as analyst, pytest.raises(AnalystError):
            analyst.asks("map", numbers=[1, 2], gate="")
    finally:
        here.puts(here.before, runtime=here.before.runtime)


OLD, NEW = "images/old", "images/new"
LATER = [[n * n, NEW] for n in range(100_000, 100_003)]
WELL = Outcome(
    load=Load(),
    results=[[n * n, OLD if n < 5 else NEW] for n in range(9)],
    attached=[[n * n, OLD if n < 5 else NEW] for n in range(9)],
    runs=dict.fromkeys(range(9), 1),
    breaths=[[n * n, OLD] for n in range(20)],
    meanwhile=7,
    later=[LATER, LATER],
    images=(OLD, NEW),
)


@pytest.mark.parametrize(
    ("told", "wrong"),
    {
        "the session's results are": {"results": WELL.results[:-1]},
        "results are [64, ": {"results": WELL.results[::-1]},
        "a client of the new release finds": {"attached": WELL.results[:-1]},
        "begun more than once: {3: 2}": {"runs": {**WELL.runs, 3: 2}},
        "begun more than once: {}": {"load": Load(kills=True)},
        "not both releases' workers": {"results": [[n * n, OLD] for n in range(9)]},
        "end where it ran": {"results": [[n * n, NEW if n else OLD] for n in range(9)]},
        "short tasks have": {"breaths": [*WELL.breaths[:5], *WELL.breaths[6:]]},
        "no task ended while": {"meanwhile": 0},
        "of the old release has": {"later": [LATER[:-1], LATER]},
        "of the new release has": {"later": [LATER, [[result, OLD] for result, _ in LATER]]},
    }.items(),
)
def test_what_is_lost_is_told(told: str, wrong: Any) -> None:
    assert lost(WELL) == []
    assert any(told in one for one in lost(replace(WELL, **wrong)))


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The last release, opened."""
    return opened(LAST, tmp_path_factory.mktemp("last") / "release")


@pytest.mark.parametrize("name", [environment.name for environment in ALL])
def test_no_environment_loses_data(name: str, last: Release, synthesis: Path) -> None:
    """Each of ``environments.py``, as its last release deployed it; both ways."""
    old, new = described(last.assembly, name), described(synthesis, name)
    for before, after in ((old, new), (new, old)):
        assert some(changes(before, after))
        found = [one for one in changes(before, after) if one.stateful]
        assert not [one for one in found if one.word in ("replaces", "removes")]


@pytest.mark.parametrize("name", [environment.name for environment in ALL])
def test_what_an_upgrade_must_say_is_refused_by_name(
    name: str, last: Release, synthesis: Path
) -> None:
    """``grows=False`` is said for LOCAL above; nothing else stops an environment of 0.1."""
    old, new = described(last.assembly, name), described(synthesis, name)
    found = stops(old, new, prefix=f"starburst-{name}-")
    assert {one.reason for one in some(found)} <= {"subnets", "export"}
    assert "Network(grows=False)" in found[0].way

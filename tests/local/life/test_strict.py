"""Strict workers see an image's packages and no others, and die of the memory that they lack."""

from __future__ import annotations

import importlib.metadata
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from starburst.errors import LocalEnvironmentError
from starburst.local import image, sharing
from starburst.local.containers import Container, Containers, Launch
from starburst.local.emulator import STATE_VARIABLE, STRICT_VARIABLE
from starburst.local.image import image_packages, make_image
from starburst.local.memory import MemoryWatch
from tests.local.scene import eventually

LOOK = """
import importlib.metadata, json, os, site, subprocess, sys
def has(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True
names = json.loads(os.environ["NAMES"])
print(json.dumps({
    "found": [name for name in names if has(name)],
    "path": sys.path,
    "distributions": sorted(d.metadata["Name"] for d in importlib.metadata.distributions()),
    "user": site.ENABLE_USER_SITE,
}), flush=True)
if "AGAIN" in os.environ:
    del os.environ["AGAIN"]
    subprocess.run([sys.executable, *sys.orig_argv[1:]], check=True)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_image(tmp_path_factory.mktemp("strict") / "image")


@dataclass
class Place:
    """Where strict containers run."""

    python: Path
    containers: Containers

    def run(self, program: str, *words: str, mib: int | None = None, **variables: str) -> Container:
        launch = Launch(
            environment=variables,
            stop_seconds=1,
            memory_bytes=None if mib is None else mib << 20,
        )
        self.containers._prepare = lambda *_: launch
        return self.containers.run("image", command=["python", "-c", program, *words])

    def logs(self, container: Container) -> list[str]:
        text = container.logs()
        assert isinstance(text, bytes)
        return text.decode().splitlines()


@pytest.fixture
def place(python: Path, tmp_path: Path) -> Iterator[Place]:
    never = Launch(environment={}, stop_seconds=1)
    made = Containers(scratch=tmp_path, prepare=lambda *_: never)
    made.python, made.memory = python, MemoryWatch()
    yield Place(python, made)
    made.kill()
    for container in made.list():
        container.wait()


def test_workers_and_what_they_start_import_what_an_image_has_and_nothing_else_of_here(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by PYTHONPATH, nor from the user's folder, nor by what .pth files name."""
    (tmp_path / "stray.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path))
    theirs = ["starburst.worker", "boto3", "numpy", "pandas", "pyarrow", "polars"]
    others = ["pytest", "ministack", "moto", "stray", "stacks", "starburst_constructs"]
    container = place.run(LOOK, NAMES=json.dumps(theirs + others), AGAIN="1")
    assert container.wait() == {"StatusCode": 0}, place.logs(container)
    site = str(next(place.python.parents[1].glob("lib/python*/site-packages")))
    for told in map(json.loads, place.logs(container)):
        assert told["found"] == theirs
        assert {image._normalized(name) for name in told["distributions"]} == set(image_packages())
        assert not told["user"]
        assert [entry for entry in told["path"] if "site-packages" in entry] == [site]
    assert len(place.logs(container)) == 2, "the program that it started saw the same"


def test_the_list_has_starburst_and_what_it_needs_and_nothing_of_the_emulator() -> None:
    found = image_packages()
    assert found["starburst"] == importlib.metadata.version("starburst")
    assert {"boto3", "cryptography", "pandas", "pyarrow", "six"} <= found.keys()
    assert not {"ministack", "hypercorn", "pytest", "uv", "pip"} & found.keys()


def distribution(site: Path, name: str, files: Mapping[str, str], needs: str = "") -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}\n")
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    listed = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD", "../../bin/x", "/etc/y"]
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in listed))


def test_of_a_folder_that_several_share_only_the_images_part_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    distribution(site, "wanted", {"shared/wanted.py": "", "own/__init__.py": "", "single.py": ""})
    distribution(site, "stray", {"shared/stray.py": "", "evil.pth": "import os"})
    distribution(site, "wanted_pth", {"hook.pth": "import os"})
    monkeypatch.syspath_prepend(str(site))
    those = {name: importlib.metadata.distribution(name) for name in ("wanted", "wanted_pth")}
    monkeypatch.setattr(image, "_closure", lambda: those)
    made = make_image(tmp_path / "image")
    there = next(made.parents[1].glob("lib/python*/site-packages"))
    assert sorted(path.name for path in there.iterdir()) == [
        *("own", "shared", "single.py", "starburst"),
        *("wanted-1.0.dist-info", "wanted_pth-1.0.dist-info"),
    ]
    assert [path.name for path in (there / "shared").iterdir()] == ["wanted.py"]


def test_extras_count_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = [
        'Requires-Dist: inner[more,other_one] >=1 ; extra == "arrow"',
        'Requires-Dist: tool ; extra == "local"',
        'Requires-Dist: old ; python_version < "3"',
        "Requires-Dist: absent",
    ]
    inner = 'Requires-Dist: deep ; extra == "Other.One"\nRequires-Dist: no ; extra == "x"'
    site = tmp_path / "site-packages"
    distribution(site, "starburst", {}, "\n".join(needs))
    distribution(site, "inner", {}, inner)
    for name in ("tool", "old", "deep", "no"):
        distribution(site, name, {})
    monkeypatch.setattr("sys.path", [str(site)])
    monkeypatch.setattr(image, "_marker", lambda: Marker)
    assert image_packages().keys() == {"starburst", "inner", "deep"}
    monkeypatch.setattr(image, "_marker", lambda: None)
    assert image_packages().keys() == {"starburst", "inner", "deep", "old"}, "without packaging"


def test_where_starburst_is_not_installed_nothing_strict_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(LocalEnvironmentError, match="not installed here"):
        image_packages()


GROWS = """
import sys, time
print("begun", flush=True)
held = bytearray(int(sys.argv[1]) << 20)
held[::4096] = bytes(len(held[::4096]))
print("grown", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_takes_more_memory_than_its_task_has_is_ended_and_others_are_not(place: Place) -> None:
    small = place.run(GROWS, "10", mib=120)
    large = place.run(GROWS, "300", mib=120)
    assert large.wait() == {"StatusCode": 137}
    eventually(lambda: "grown" in place.logs(small) or None)
    assert small.status == "running"


PARENT = f"""
import subprocess, sys
from pathlib import Path
mine = "from pathlib import Path; Path('/proc/self/oom_score_adj').write_text('1000')" + chr(10)
done = subprocess.run([sys.executable, "-c", mine + {GROWS!r}, "300"], stdout=subprocess.PIPE)
print(done.returncode, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_process_of_tasks_is_ended_first(place: Place) -> None:
    container = place.run(PARENT, mib=120)
    assert container.wait() == {"StatusCode": 0}
    assert place.logs(container) == [str(-signal.SIGKILL)]


class Running:
    strict = False


def test_a_lax_one_is_not_taken_for_a_strict_one(monkeypatch: pytest.MonkeyPatch) -> None:
    running: Any = Running()
    monkeypatch.setattr(sharing, "current", lambda: running)
    monkeypatch.setenv(STRICT_VARIABLE, "0")
    assert sharing.ensure() is running
    assert sharing.ensure(strict=False) is running
    with pytest.raises(LocalEnvironmentError, match="is not strict: end it"):
        sharing.ensure(strict=True)
    monkeypatch.setenv(STRICT_VARIABLE, "1")
    with pytest.raises(LocalEnvironmentError, match="starburst local --strict"):
        sharing.ensure()
    Running.strict = True
    assert sharing.ensure() is running


def test_the_notice_comes_once_and_not_to_who_knows(tmp_path: Path) -> None:
    program = "from starburst._client.packages.lax import tell_once\ntell_once()\ntell_once()\n"
    script = tmp_path / "analysis.py"
    script.write_text(program)
    for value, said in (("", 1), ("0", 0)):
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, str(script)],
            env={STRICT_VARIABLE: value, STATE_VARIABLE: ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr.count("workers of this local environment see") == said
        assert done.stderr.count(f"{script}:") == said

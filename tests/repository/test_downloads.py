"""Nothing is fetched without a hash: no tool, nothing that builds one, nothing in an image."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from benchmarks.peers import DASK, LITHOPS, RAY, Peer
from tests.some import some

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")

_OPTIONS = r"(?: -\S+(?: [^-\s]\S*)??)*"
FETCHES = re.compile(
    rf"\bpip[\d.]*{_OPTIONS} (?:install|download|wheel)\b|\bpipx\b|\buvx\b"
    rf"|\buv{_OPTIONS} (?:tool|sync|run|python)\b|\buv{_OPTIONS} pip{_OPTIONS} (?:install|sync)\b"
    rf"|\bnpx\b|\bnpm{_OPTIONS} (?:i|install|ci|exec|add)\b|\byarn\b|\bpnpm\b|\bcorepack\b"
    rf"|\bcurl\b|\bwget\b|\bgit{_OPTIONS} (?:clone|fetch|pull|submodule)\b"
    rf"|\bdocker{_OPTIONS} (?:pull|run)\b|\bgh{_OPTIONS} release\b|\bconda\b"
    rf"|\b(?:apt|apt-get|apk|dnf|yum|brew){_OPTIONS} (?:install|add)\b"
    r"|\bgo install\b|\bcargo install\b"
    r"|^\s*(?:(?i:#\s*syntax=|ADD |FROM )|-?\s*uses:|(?:image|container): \S*[/:])"
    r"|\bfrom=[\w-]*[^\w\s,-]",  # a stage of the same Dockerfile has a plain name
)
"""Words of a command that could bring code from elsewhere onto this machine."""

HELD = (
    re.compile(
        r"\bpip (?:install|wheel)\b.* --require-hashes\b.* --only-binary=:all:|"
        r"\bpip (?:install|wheel)\b.* --only-binary=:all:.* --require-hashes\b"
    ),
    re.compile(r"\bpip (?:install|wheel)\b(?!.*://).* --no-index\b"),
    re.compile(
        r"\buv (?:sync|run)\b.* --frozen\b(?!.* --(?:with|index|default-index|extra-index-url)\b)"
    ),
    re.compile(r"\bnpm ci\b.* --ignore-scripts\b"),
    re.compile(r"^\s*FROM \$\{BASE\}(?: AS \w+)?$"),
    re.compile(r"uses: \./|uses: [\w./-]+@[0-9a-f]{40}\b"),
)
"""What makes such a command take only what a committed file names with its hash."""


def commands(text: str) -> Iterator[str]:
    """Read shell, make, YAML or a Dockerfile as commands: lines joined, split at && and ||."""
    for line in text.replace("\\\n", " ").splitlines():
        bare = line if line.lstrip().startswith("# syntax") else re.sub(r"(^|\s)#.*", "", line)
        bare = re.sub(r"""\becho\s+("[^"]*"|'[^']*')""", "", bare)
        yield from (" ".join(part.split()) for part in re.split(r"&&|\|\||;", bare))


def loose(text: str) -> list[str]:
    """Return the commands that fetch something that no hash holds."""
    return [
        each
        for each in commands(text)
        if FETCHES.search(each) and not any(held.search(each) for held in HELD)
    ]


def scripts() -> list[Path]:
    found = [ROOT / "Makefile", ROOT / "worker/Dockerfile", ROOT / ".pre-commit-config.yaml"]
    found += [path for path in (ROOT / ".ci").iterdir() if path.suffix != ".lock"]
    return found + sorted((ROOT / ".github").rglob("*.y*ml"))


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_no_script_fetches_what_no_hash_holds(path: Path) -> None:
    assert loose(path.read_text()) == []


@pytest.mark.parametrize(
    "command",
    [
        "python -m pip install uv==0.13.9",
        "pip install --require-hashes -r some.lock",  # a source distribution builds with anything
        "pip install -r requirements.txt",
        "uvx ruff check",
        "uv run --frozen --with atheris==3.0.0 python -m tests.fuzz",
        "uv sync",
        "uv tool install ruff",
        "npm ci",
        "npm install aws-cdk@2.1148.1",
        "npx cdk deploy",
        "curl -LsSf https://example.com/install.sh | sh",
        "wget https://example.com/tool",
        "git clone https://example.com/repository",
        "apt-get install -y jq",
        "ADD https://example.com/tool /usr/bin/tool",
        "FROM python:3.11-slim",
        "# syntax=docker/dockerfile:1",
        "- uses: actions/checkout@v4",
        "true && pip install tool",
        "pip --quiet install tool",
        "pip3.11 install tool",
        "pip install --no-index --find-links https://example.com tool",
        "uv --quiet sync",
        "uv pip --quiet install tool",
        "uv python install 3.12",
        "uv sync --frozen --index https://example.com",
        "npm --prefix folder install tool",
        "git -C folder clone https://example.com/repository",
        "apt-get -y install jq",
        "add https://example.com/tool /usr/bin/tool",
        "COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/uv",
        "RUN --mount=type=bind,from=python:3.11,target=/x true",
        "FROM ${BASE}x",
        "FROM ${BASE:-python:3.11}",
        "image: python:3.11",
    ],
)
def test_a_download_without_a_hash_is_found(command: str) -> None:
    assert loose(f"first:\n\t{command}\n")


@pytest.mark.parametrize(
    "command",
    [
        "pip install --only-binary=:all: \\\n  --require-hashes -r some.lock",
        "uv sync --frozen --quiet",
        "npm ci --ignore-scripts",
        "FROM ${BASE} AS build",
        "COPY --from=build /opt/starburst /opt/starburst",
        "- uses: actions/checkout@" + "ab" * 20,
        'echo "on Debian and Ubuntu: apt install python3-venv"',
        "# pip install is what newcomers do",
    ],
)
def test_a_download_that_a_hash_holds_passes(command: str) -> None:
    assert loose(command) == []


PROGRAMS = ("app.py", "benchmarks", "constructs", "deploy", "examples", "stacks", "worker")


def programs() -> Iterator[Path]:
    for name in PROGRAMS:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


SIGNED = {
    "deploy/image_check/programs.py": "Debian signs the lists of its archive, and apt checks them",
}
"""What installs by another word than a hash, and whose."""


def test_no_program_installs_what_no_hash_holds() -> None:
    installing = re.compile(r"""["'](?:pip|uv|npm|npx|uvx|apt-get|curl|wget)["'],.*""")
    asked = {
        str(path.relative_to(ROOT)): text
        for path in programs()
        if re.search(r"""["'](?:install|download|sync|tool)["']""", text := path.read_text())
        and installing.search(text)
    }
    assert asked, "the benchmarks install their peers"
    loosely = {name for name, text in asked.items() if "--require-hashes" not in text}
    assert loosely == set(SIGNED)


@pytest.mark.parametrize("peer", [DASK, LITHOPS, RAY], ids=lambda peer: peer.module)
def test_a_peer_of_the_benchmarks_is_locked_by_hash(peer: Peer) -> None:
    logical = peer.lock.read_text().replace("\\\n", " ").splitlines()
    pins = [line for line in logical if not line.startswith("#")]
    assert pins
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def locked() -> list[dict[str, Any]]:
    return tomllib.loads((ROOT / "uv.lock").read_text())["package"]


def test_all_that_is_locked_is_a_wheel_with_its_hash(locked: list[dict[str, Any]]) -> None:
    ours = {each["name"] for each in locked if "editable" in each["source"]}
    assert ours == {"starburst", "starburst-kit"}
    for each in some(each for each in locked if each["name"] not in ours):
        assert set(each["source"]) == {"registry"}, each["name"]
        assert each["wheels"], f"{each['name']} would be built from source"
        for wheel in some(each["wheels"]):
            assert re.fullmatch("sha256:[0-9a-f]{64}", wheel["hash"]), each["name"]


def test_nothing_is_built_with_what_no_hash_holds(
    project: dict[str, Any], locked: list[dict[str, Any]]
) -> None:
    uv = project["tool"]["uv"]
    assert uv["no-build"] is True
    assert uv["require-build-hashes"] is True
    version = next(each["version"] for each in locked if each["name"] == "uv")
    worker = tomllib.loads((ROOT / "worker/pyproject.toml").read_text())
    for system in (project["build-system"], worker["build-system"]):
        [needed] = system["requires"]
        backend = Requirement(needed)
        assert (backend.name, system["build-backend"]) == ("uv_build", "uv_build")
        # Then uv builds by itself, and fetches no backend.
        assert backend.specifier.contains(version)


def test_make_begins_with_the_uv_that_is_locked(locked: list[dict[str, Any]]) -> None:
    [uv] = [each for each in locked if each["name"] == "uv"]
    text = (ROOT / ".ci/setup.lock").read_text()
    assert re.findall(r"^([\w-]+)==(\S+) ", text, re.MULTILINE) == [("uv", uv["version"])]
    named = set(re.findall(r"sha256:[0-9a-f]{64}", text))
    assert named == {each["hash"] for each in (*uv["wheels"], uv["sdist"])}


def test_every_npm_package_has_its_hash_and_runs_nothing() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    fetched = {name: entry for name, entry in lock.items() if name}
    assert fetched
    for name, entry in fetched.items():
        assert entry.get("integrity", "").startswith("sha512-"), name
        assert not entry.get("hasInstallScript"), name
    settings = (ROOT / ".npmrc").read_text().splitlines()
    assert {"ignore-scripts=true", "yes=false"} <= set(settings), "npx would fetch what is missing"


def wheel(folder: Path, version: str, *, ran: Path) -> str:
    """Write a uv that leaves a trace when it runs; return its hash."""
    name, info = f"uv-{version}-py3-none-any.whl", f"uv-{version}.dist-info"
    script = f"import pathlib\ndef main(): pathlib.Path({str(ran)!r}).touch()\n"
    files = {
        "uv_of_a_stranger.py": script,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nuv = uv_of_a_stranger:main\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for path, text in files.items()
    }
    record = "".join(f"{path},sha256={digests[path]},{len(files[path])}\n" for path in files)
    folder.mkdir()
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.mark.skipif(MAKE is None, reason="make is not installed")
def test_a_uv_that_a_stranger_put_into_the_registry_never_runs(
    tmp_path: Path, locked: list[dict[str, Any]]
) -> None:
    """It has the right name and version; only its bytes are others."""
    root, ran = tmp_path / "fresh", tmp_path / "ran"
    for name in ("Makefile", "uv.lock", "pyproject.toml", "package.json", "package-lock.json"):
        (root / "worker").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root)
    shutil.copy(ROOT / "worker/pyproject.toml", root / "worker")
    version = next(each["version"] for each in locked if each["name"] == "uv")
    digest = wheel(tmp_path / "registry", version, ran=ran)
    (root / ".ci").mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "MAKE", "MFLAGS"))
    }
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "registry"),
    }

    def set_up(pinned: str) -> str:
        (root / ".ci/setup.lock").write_text(f"uv=={version} --hash=sha256:{pinned}\n")
        made = subprocess.run(  # noqa: S603 - our own Makefile
            [str(MAKE), "setup"],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode != 0
        return made.stderr

    assert "DO NOT MATCH THE HASHES" in set_up("0" * 64)
    assert not (root / ".venv/bin/uv").exists()
    assert not ran.exists()
    set_up(digest)  # it installs no Python packages, so the next step fails
    assert ran.exists(), "the same file under its own hash is taken"

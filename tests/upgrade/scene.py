"""An account in which releases take turns, and analysts with clients of either."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import app
import starburst
from deploy.lifecycle.deployed import deployed
from deploy.lifecycle.diff import Comparison, compare
from deploy.lifecycle.local import account_of
from deploy.lifecycle.up import deploy
from deploy.tools.local import Deployment
from environments import LOCAL
from starburst.local import LocalEnvironment
from starburst.local.containers import IMAGE_VARIABLE
from starburst.local.emulator import STATE_VARIABLE
from tests.upgrade.recording import Release, opened

__all__ = ["Analyst", "AnalystError", "Scene", "eventually", "present", "scene"]

_NO_DIGEST: Final = "0" * 64
"""What the task definitions of ``local`` name where nobody says which image."""

_NEXT_DIGEST: Final = "1" * 64
_ANALYST: Final = Path(__file__).with_name("analyst.py")
_UNASKED: Final = ("--require-approval", "never", "--method", "direct", "--concurrency", "4")
_GUARD_SECONDS: Final = 240.0

T = TypeVar("T")


class AnalystError(Exception):
    """What the client of an analyst raised."""


@dataclass(frozen=True, kw_only=True)
class Analyst:
    """A client in a process of its own.

    Attributes:
        process: reads and writes lines.
        folder: where its tasks write that they ran, and look for gates.
    """

    process: subprocess.Popen[str]
    folder: Path

    def asks(self, what: str, **words: Any) -> Any:
        """Have the client do something, and return its answer.

        Raises:
            AnalystError: the client raised an error.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'do': what, **words})}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AnalystError(answer["error"])
        return answer["answer"]

    def opens(self, gate: str) -> None:
        """Let the tasks go on that wait for a gate."""
        (self.folder / gate).touch()

    def ran(self) -> dict[int, list[int]]:
        """Return the workers' process ids by task, one for each time that it ran."""
        return {
            int(path.stem): [int(line) for line in path.read_text().split()]
            for path in self.folder.glob("*.ran")
        }


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The account.

    Attributes:
        folder: for what is made here.
        local: the emulator.
        deployment: the hands that deploy.
        before: the recorded release, which is deployed.
        after: what this working tree deploys in its place.
    """

    folder: Path
    local: LocalEnvironment
    deployment: Deployment
    before: Release
    after: Release

    def image(self, release: Release) -> Path:
        """Return where the workers of a release find it: its image, as it were."""
        digest = _NO_DIGEST if release is self.before else _NEXT_DIGEST
        return self.folder / "images" / digest

    def puts(self, release: Release, *, runtime: Path) -> None:
        """Have the image of a release hold a runtime."""
        image = self.image(release)
        image.parent.mkdir(exist_ok=True)
        image.unlink(missing_ok=True)
        image.symlink_to(runtime)

    def looks(self, release: Release) -> Comparison:
        """Return what a deployment of a release would do, as ``deploy.diff`` tells it."""
        account = account_of(self.deployment)
        return compare(account, release.assembly, existing=deployed(account))

    def deploys(self, release: Release) -> None:
        """Deploy a release over what is there, as ``deploy.up`` does."""
        deploy(account_of(self.deployment), assembly=release.assembly, options=_UNASKED)

    def stops_worker(self, process: int) -> None:
        """Have ECS stop the task whose process this is, as it does to patch what is below it."""
        tasks = self.local.worker_processes()
        (task,) = (arn for arn, found in tasks.items() if found == process)
        ecs = self.local.client(self.local.platform_session(), "ecs")
        ecs.stop_task(cluster="starburst-local", task=task, reason="maintenance")

    @contextmanager
    def analyst(self, release: Release) -> Iterator[Analyst]:
        """Yield an analyst whose client is of a release."""
        folder = self.folder / f"analyst-{len([*self.folder.glob('analyst-*')])}"
        folder.mkdir()
        state = self.folder / "state.json"
        self.local.write_state(state)
        with subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(_ANALYST), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(release.runtime),
                STATE_VARIABLE: str(state),
            },
        ) as process:
            try:
                yield Analyst(process=process, folder=folder)
            finally:
                process.kill()


@contextmanager
def scene(folder: Path, recorded: Path) -> Iterator[Scene]:
    """Yield an account in which a recorded release is deployed.

    Args:
        folder: empty, for what is made here.
        recorded: the file of a release.
    """
    before = opened(recorded, folder / "before")
    after = present(folder / "after")
    python = folder / "python"
    python.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(folder / 'images'))}/${{{IMAGE_VARIABLE}##*:}} "
        f'exec {shlex.quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    with LocalEnvironment(strict=True, python=python) as local:
        deployment = Deployment(local=local, outdir=before.assembly)
        deployment.bootstrap()
        deployment.deploy()
        here = Scene(folder=folder, local=local, deployment=deployment, before=before, after=after)
        for release in (before, after):
            here.puts(release, runtime=release.runtime)
        yield here


def present(outdir: Path) -> Release:
    """Return this working tree as a release, for an environment that an earlier one laid out.

    Its workers' image is another, as after ``make image``.
    """
    digest = f"sha256:{_NEXT_DIGEST}"
    environment = replace(
        LOCAL,
        network=replace(LOCAL.network, grows=False),
        workspaces=tuple(replace(one, image_digest=digest) for one in LOCAL.workspaces),
    )
    app.build([environment], outdir=str(outdir), validate=False).synth()
    runtime = Path(starburst.__file__).parents[1]
    return Release(name=starburst.__version__, runtime=runtime, assembly=outdir)


def eventually(look: Callable[[], T | None]) -> T:
    """Return what a look finds, as soon as it finds something."""
    give_up = time.monotonic() + _GUARD_SECONDS
    while not (found := look()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"nothing found within {_GUARD_SECONDS:g} s")
        time.sleep(0.1)
    return found

"""Deploy the LOCAL environment into the emulator with the real CDK CLI, as it goes into AWS."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from environments import LOCAL
from stacks.settings import Environment
from starburst.local import LocalEnvironment
from starburst.local.emulator import ENVIRONMENT

from .cdk import ROOT, CdkFailed, base_environment, run_cdk

__all__ = ["Deployment", "gaps", "synthesize"]

_ALL_STACKS = f"{ENVIRONMENT}/*"

# jsii reads CDK_VALIDATION when aws_cdk is imported; `app.main` would not let it be set.
_APP = "import sys, app; app.use_bundled_node(); import aws_cdk; sys.exit(app.main())"

Result = TypeVar("Result")


def gaps(local: LocalEnvironment, environment: Environment = LOCAL) -> tuple[str, ...]:
    """Return what a local environment cannot do, of its add-ons too: one sentence each."""
    own = (f"{addon.name}: {gap}" for addon in environment.addons for gap in addon.local_gaps())
    return (*local.gaps, *own)


def synthesize(outdir: Path, *, environment: str = ENVIRONMENT) -> Path:
    """Synthesize one environment into ``outdir``, without an account, and return ``outdir``.

    Raises:
        CdkFailed: the app did not synthesize.
    """
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", _APP],
        # What the CDK CLI hands to an app.
        env=base_environment()
        | {
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps({"environments": environment}),
            # The built-in validator takes longer than all else; `make synth` runs it.
            "CDK_VALIDATION": "false",
        },
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise CdkFailed(f"python app.py failed with exit code {done.returncode}:\n{done.stdout}")
    return outdir


@dataclass(slots=True, kw_only=True)
class Deployment:
    """The LOCAL stacks in one local environment.

    Attributes:
        local: a started environment.
        outdir: where the cloud assembly is, or will be.
        seconds: how long each step took.
        report: is told of each step as it ends.
    """

    local: LocalEnvironment
    outdir: Path
    seconds: dict[str, float] = field(default_factory=dict)
    report: Callable[[str], None] = lambda _text: None

    def up(self) -> None:
        """Synthesize, bootstrap and deploy every stack.

        Raises:
            CdkFailed: a step failed; the message ends with what the CLI wrote.
        """
        with ThreadPoolExecutor(2) as pool:
            synthesis = pool.submit(self.timed, "synth", lambda: synthesize(self.outdir))
            bootstrap = pool.submit(self.timed, "bootstrap", self.bootstrap)
            synthesis.result()
            bootstrap.result()
        self.timed("deploy", self.deploy)

    def bootstrap(self) -> None:
        """Run ``cdk bootstrap`` on the local account."""
        self.cdk("bootstrap", f"aws://{self.local.account}/{self.local.region}")

    def deploy(self) -> None:
        """Run ``cdk deploy`` of every stack of the assembly."""
        self.cdk(
            *("deploy", _ALL_STACKS, "--app", str(self.outdir), "--require-approval", "never"),
            *("--method", "direct", "--concurrency", "4", "--progress", "events"),
        )

    def diff(self) -> tuple[bool, str]:
        """Run ``cdk diff``; return whether anything differs, and the CLI's words."""
        # Templates are compared as they are: a change set for each stack takes twice as long.
        arguments = (
            "diff",
            _ALL_STACKS,
            "--app",
            str(self.outdir),
            "--fail",
            "--method",
            "template",
        )
        done = self.timed("diff", lambda: self.cdk(*arguments, check=False))
        return done.returncode != 0, done.stdout

    def timed(self, step: str, work: Callable[[], Result]) -> Result:
        """Do a step, and report how long it took."""
        start = time.perf_counter()
        result = work()
        self.seconds[step] = time.perf_counter() - start
        self.report(f"{step}: {self.seconds[step]:.1f} s")
        return result

    def cdk(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI with the platform's credentials.

        Raises:
            CdkFailed: ``check`` is set and the command failed.
        """
        credentials = self.local.platform_session().get_credentials()
        if credentials is None:  # pragma: no cover - the session is made of them
            raise CdkFailed("the platform's session has no credentials")
        keys = credentials.get_frozen_credentials()
        environment = base_environment() | {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.token or "",
            "AWS_REGION": self.local.region,
            "AWS_ENDPOINT_URL": self.local.endpoint,
            "AWS_CA_BUNDLE": self.local.ca_bundle,
            "NODE_EXTRA_CA_CERTS": self.local.ca_bundle,
        }
        # Not the repository: the CLI would find cdk.json there and synthesize again.
        with tempfile.TemporaryDirectory() as cwd:
            return run_cdk(arguments, environment=environment, cwd=Path(cwd), check=check)

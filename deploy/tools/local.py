"""Deploy LOCAL, or the likeness of another, into the emulator with the real CDK CLI."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from environments import ALL, LOCAL
from stacks.settings import Environment
from starburst.errors import ConfigurationError
from starburst.local import LocalEnvironment
from starburst.local.emulator import ENVIRONMENT

from .cdk import ROOT, CdkFailed, base_environment, run_cdk

__all__ = ["DIFFERENCES", "Deployment", "NoLikeness", "changes", "gaps", "likeness", "synthesize"]

_ALL_STACKS = f"{ENVIRONMENT}/*"

# jsii reads CDK_VALIDATION when aws_cdk is imported; `app.main` would not let it be set.
_APP = "import sys, app; app.use_bundled_node(); import aws_cdk; "
_MAIN = f"{_APP}sys.exit(app.main())"
_LIKE = (
    f"{_APP}from deploy.tools.local import likeness; "
    "app.build([likeness(sys.argv[1])], outdir=sys.argv[2], validate=False).synth()"
)

DIFFERENCES: Final = (
    "it is called local, in the emulator's account and Region, and its people come by the "
    "emulator's login broker",
    "purpose is 'test' and data_class 'internal', so nothing is kept, locked or ended by "
    "break-glass, and no rule for restricted data holds",
    "no EC2 hosts, no FIPS endpoints, no organization, no boundary of yours, no trusted networks",
    "no named zones and no setting of the whole account: image scanning, VPC Block Public Access",
    "workers run under this interpreter, in this machine's architecture: no image is asked for",
    "no add-ons, no profile, no secrets of workspaces: they name what only the real account has",
    "no rule of Contributor Insights, which the emulator does not have",
    "nothing judges it: make synth does, under its own name",
)
"""What the likeness of an environment has otherwise, besides what the emulator cannot do."""

Result = TypeVar("Result")


def gaps(local: LocalEnvironment, environment: Environment = LOCAL) -> tuple[str, ...]:
    """Return what a local environment cannot do, of its add-ons too: one sentence each."""
    own = (f"{addon.name}: {gap}" for addon in environment.addons for gap in addon.local_gaps())
    return (*local.gaps, *own)


class NoLikeness(ConfigurationError):
    """The emulator cannot be like the environment that was named."""


def likeness(name: str) -> Environment:
    """Return the environment of that name as far as the emulator can be it: ``DIFFERENCES``.

    Raises:
        NoLikeness: there is none of that name, or it lives in a VPC that only AWS has.
    """
    found = {environment.name: environment for environment in ALL}
    if name not in found:
        raise NoLikeness(f"no environment is called {name}; environments.py has {', '.join(found)}")
    real = found[name]
    if real.network.existing is not None:
        raise NoLikeness(
            f"{name} lives in an existing VPC, which the emulator does not have; nothing was "
            "started. Try one that is as it, with a Network of its own"
        )
    if real is LOCAL:
        return LOCAL
    return replace(
        real,
        **{field: getattr(LOCAL, field) for field in _LOCALS},
        network=replace(
            real.network,
            named_zones=(),
            client_groups=(),
            s3_prefix_list=None,
        ),
        audit=replace(real.audit, person_gb_per_hour=None, person_objects_per_hour=None),
        workspaces=tuple(replace(one, image_digest=None, secrets=()) for one in real.workspaces),
    )


_LOCALS: Final = (
    *("name", "account", "region", "allowed_regions", "identity", "data_role_arns"),
    *("purpose", "data_class", "break_glass_role_arn", "accepted_risks", "packs", "without"),
    *("capacity", "fips", "organization_id", "permissions_boundary", "shared"),
    *("trusted_cidrs", "trusted_vpcs"),
    *("addons", "processing", "profile"),
    *("architecture", "other_architectures", "python", "image_digest"),
)


def synthesize(outdir: Path, *, environment: str = ENVIRONMENT, like: str | None = None) -> Path:
    """Synthesize one environment into ``outdir``, without an account, and return ``outdir``.

    Args:
        outdir: where to.
        environment: its name.
        like: another's name, whose likeness takes the place of LOCAL.

    Raises:
        CdkFailed: the app did not synthesize.
    """
    words = [_MAIN] if like is None else [_LIKE, like, str(outdir)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", *words],
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


def changes(diff: str) -> list[str]:
    """Return the lines of ``cdk diff`` that name a resource, each behind its stack's name."""
    stack, found = "", []
    for line in diff.splitlines():
        if line.startswith("Stack "):
            stack = line.split()[1]
        elif line.startswith("[") and "::" in line:
            found.append(f"{stack}: {line.strip()}")
    return found


@dataclass(slots=True, kw_only=True)
class Deployment:
    """The LOCAL stacks in one local environment.

    Attributes:
        local: a started environment.
        outdir: where the cloud assembly is, or will be.
        like: the environment whose likeness is deployed; None for LOCAL.
        seconds: how long each step took.
        report: is told of each step as it ends.
    """

    local: LocalEnvironment
    outdir: Path
    like: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    report: Callable[[str], None] = lambda _text: None

    def up(self) -> None:
        """Synthesize, bootstrap and deploy every stack.

        Raises:
            CdkFailed: a step failed; the message ends with what the CLI wrote.
        """
        with ThreadPoolExecutor(2) as pool:
            synthesis = pool.submit(self.timed, "synth", self.synthesize)
            bootstrap = pool.submit(self.timed, "bootstrap", self.bootstrap)
            synthesis.result()
            bootstrap.result()
        self.timed("deploy", self.deploy)

    def redeploy(self, *, before: Callable[[], None] = lambda: None) -> list[str]:
        """Synthesize anew, and deploy what changed over what is there; return what changed.

        Stacks that the settings no longer have stay: only ``down`` takes them away.

        Args:
            before: looks at what was synthesized, and raises where it must not be deployed.

        Raises:
            CdkFailed: a step failed; what was deployed is as CloudFormation left it.
        """
        self.timed("synth", self.synthesize)
        before()
        differs, text = self.diff()
        if not differs:
            return []
        found = changes(text)
        for line in found:
            self.report(line)
        self.timed("deploy", self.deploy)
        return found

    def synthesize(self) -> None:
        """Write the cloud assembly."""
        synthesize(self.outdir, like=self.like)

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

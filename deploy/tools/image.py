"""Build the worker image, push it to an environment's repository, print the digest to deploy."""

from __future__ import annotations

import argparse
import base64
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import botocore.exceptions

from environments import ALL
from starburst.untrusted.terminal_text import one_line, tell

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ecr import ECRClient

    from stacks.settings import Architecture, Environment

__all__ = ["ImageError", "main", "push", "release_tag"]

WORKER: Final = Path(__file__).resolve().parents[2] / "worker"
PLATFORMS: Final[dict[Architecture, str]] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}

PASSED_ON: Final = ("BASE", "DATA_LOCK")
"""Variables that become build arguments of worker/Dockerfile."""

_BY_DIGEST: Final = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")

_REFUSED: Final = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
"""What boto3 raises where it, or AWS, does not do what was asked."""


class ImageError(RuntimeError):
    """No image was deployed; says why, and what to do next."""


def release_tag(now: datetime) -> str:
    """Return a tag that no push uses again: the repository's tags never move.

    ``release-`` keeps the image from expiring while a task definition names its digest.
    """
    return f"release-{version('starburst')}-{now:%Y%m%d%H%M%S}"


def push(
    environment: Environment,
    tag: str,
    *,
    cloudformation: CloudFormationClient,
    ecr: ECRClient,
    docker: str = "docker",
    arguments: Mapping[str, str] | None = None,
) -> str:
    """Build and push; return the image's digest, ``sha256:…``.

    For several architectures it is the digest of an index that names an image for each: Fargate
    and EC2 take theirs by the task definition's platform.

    Args:
        environment: whose repository, Python and architectures.
        tag: of the pushed image.
        cloudformation: client of the environment's account and region.
        ecr: client of the same.
        docker: program that builds and pushes; Podman and Finch take the same arguments.
        arguments: more build arguments, such as ``BASE`` and ``DATA_LOCK``.

    Raises:
        ImageError: production's base image is not named by digest, the environment is not deployed
            or a step of ``docker`` failed.
    """
    given = {"PYTHON": environment.python, **(arguments or {})}
    if environment.production and not _BY_DIGEST.fullmatch(given.get("BASE", "")):
        tag = f"python:{environment.python}-slim"
        raise ImageError(
            f"Environment {environment.name} is production, and what its image stands on is not "
            "named by digest: who moves the tag chooses what runs. Look it up with docker "
            f"buildx imagetools inspect {tag}, read it over, and name it: "
            f"make image ENV={environment.name} BASE={tag}@sha256:<digest>."
        )
    repository = _repository(environment, cloudformation)
    registry, _, name = repository.partition("/")
    index = f"{repository}:{tag}"
    single = len(environment.architectures) == 1
    images: dict[Architecture, str] = {
        architecture: index if single else f"{index}-{architecture.lower()}"
        for architecture in environment.architectures
    }
    told = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    for architecture, image in images.items():
        build = ("build", "--platform", PLATFORMS[architecture], "--tag", image)
        _run(docker, *build, *told, str(WORKER))
    token = ecr.get_authorization_token()["authorizationData"][0].get("authorizationToken", "")
    password = base64.b64decode(token).decode().partition(":")[2]
    _run(docker, "login", "--username", "AWS", "--password-stdin", registry, typed=password)
    for image in images.values():
        _run(docker, "push", image)
    if not single:
        _run(docker, "manifest", "create", index, *images.values())
        _run(docker, "manifest", "push", index)
    details = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
    return details["imageDetails"][0].get("imageDigest", "")


def _repository(environment: Environment, cloudformation: CloudFormationClient) -> str:
    stack = f"starburst-{environment.name}-registry"
    try:
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    except botocore.exceptions.ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        raise ImageError(
            f"Stack {stack} was not found in account {environment.account}, "
            f"{environment.region}. Deploy it first: cdk deploy '{environment.name}/registry'."
        ) from error
    return next(
        output.get("OutputValue", "")
        for output in outputs
        if output.get("OutputKey") == "RepositoryUri"
    )


def _run(docker: str, *arguments: str, typed: str | None = None) -> None:
    """Run a step; its output goes to stderr, so that stdout holds the digest alone."""
    try:
        subprocess.run(  # noqa: S603 - the program that the caller named
            [docker, *arguments],
            input=typed,
            text=True,
            check=True,
            stdout=sys.stderr,
            # An attestation would make an index of each image, and no index may hold an index.
            env={**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
    except FileNotFoundError as error:
        raise ImageError(
            f"There is no {docker} here. Install it, or name another: CDK_DOCKER=podman."
        ) from error
    except subprocess.CalledProcessError as error:
        raise ImageError(f"{docker} {arguments[0]} failed; its own words are above.") from error


def _account(session: boto3.Session, environment: Environment) -> str:
    try:
        return session.client("sts").get_caller_identity()["Account"]
    except _REFUSED as error:
        raise ImageError(
            f"AWS credentials for account {environment.account} are missing or expired ({error}). "
            f"Log in, such as with aws sso login, and name the profile: "
            f"AWS_PROFILE=… make image ENV={environment.name}."
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Push the image of an environment; return 1 where that fails.

    Args:
        arguments: of the command line, without the program's name.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.image", description=__doc__)
    parser.add_argument("environment", help=", ".join(environment.name for environment in ALL))
    name = parser.parse_args(arguments).environment
    chosen = next((environment for environment in ALL if environment.name == name), None)
    try:
        if chosen is None:
            known = ", ".join(environment.name for environment in ALL)
            raise ImageError(f"There is no environment {name!r}; environments.py has {known}.")
        session = boto3.Session(region_name=chosen.region)
        account = _account(session, chosen)
        if account != chosen.account:
            raise ImageError(
                f"Your credentials are for account {account}, but environment {name} is in "
                f"{chosen.account}. Choose its profile: AWS_PROFILE=… make image ENV={name}."
            )
        digest = push(
            chosen,
            release_tag(datetime.now(UTC)),
            cloudformation=session.client("cloudformation"),
            ecr=session.client("ecr"),
            docker=os.environ.get("CDK_DOCKER", "docker"),
            arguments={name: os.environ[name] for name in PASSED_ON if os.environ.get(name)},
        )
    except (ImageError, *_REFUSED) as error:
        tell(one_line(error), sys.stderr)
        return 1
    sys.stdout.write(f'image_digest="{digest}"\n')
    return 0

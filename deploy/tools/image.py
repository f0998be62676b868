"""Build the worker image, push it, list what is in it, and print the digest to deploy."""

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
from stacks.images.listing import listing_of
from starburst.untrusted.terminal_text import one_line, tell

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ecr import ECRClient

    from stacks.settings import Architecture, Environment

__all__ = [
    "LISTING",
    "PASSED_ON",
    "ROOT",
    "ImageError",
    "check_base",
    "given",
    "main",
    "push",
    "release_tag",
]

ROOT: Final = Path(__file__).resolve().parents[2]
WORKER: Final = ROOT / "worker"
LISTS: Final = ROOT / "stacks" / "images"
"""Where synthesis looks up what an image has, by the first digits of its digest."""

PLATFORMS: Final[dict[Architecture, str]] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}

PASSED_ON: Final = ("BASE", "DATA_LOCK")
"""Variables that become build arguments of worker/Dockerfile."""

_BY_DIGEST: Final = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")

_REFUSED: Final = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
"""What boto3 raises where it, or AWS, does not do what was asked."""


LISTING: Final = """
from importlib.metadata import distributions
from re import sub
for one in sorted({(sub("[-_.]+", "-", d.name).lower(), d.version) for d in distributions()}):
    print("==".join(one))
"""
"""The image has no pip; this prints what its Python finds, each as ``name==version``."""

_LISTED: Final = re.compile(r"[a-z0-9][a-z0-9-]*==[\w.!+]+")


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
    lists: Path | None = None,
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
        arguments: more build arguments: ``BASE``, and perhaps ``DATA_LOCK``.
        lists: folder for the list of the image's packages; None for no list.

    Raises:
        ImageError: the base image is not named by digest, the environment is not deployed, a step
            of ``docker`` failed, or the images of two architectures have different packages.
    """
    said = {"PYTHON": environment.python, **(arguments or {})}
    check_base(environment, said)
    repository = _repository(environment, cloudformation)
    registry, _, name = repository.partition("/")
    index = f"{repository}:{tag}"
    single = len(environment.architectures) == 1
    images: dict[Architecture, str] = {
        architecture: index if single else f"{index}-{architecture.lower()}"
        for architecture in environment.architectures
    }
    told = [word for name, value in said.items() for word in ("--build-arg", f"{name}={value}")]
    for architecture, image in images.items():
        build = ("build", "--platform", PLATFORMS[architecture], "--tag", image)
        _run(docker, *build, *told, str(WORKER))
    packages = None if lists is None else _packages(docker, images)
    token = ecr.get_authorization_token()["authorizationData"][0].get("authorizationToken", "")
    password = base64.b64decode(token).decode().partition(":")[2]
    _run(docker, "login", "--username", "AWS", "--password-stdin", registry, typed=password)
    for image in images.values():
        _run(docker, "push", image)
    if not single:
        _run(docker, "manifest", "create", index, *images.values())
        _run(docker, "manifest", "push", index)
    details = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
    digest = details["imageDetails"][0].get("imageDigest", "")
    if lists is not None and packages is not None:
        _write(packages, listing_of(digest, folder=lists))
    return digest


def check_base(environment: Environment, arguments: Mapping[str, str]) -> None:
    """Refuse a base image that a tag names, in every environment.

    Args:
        environment: whose image it is.
        arguments: of the build.

    Raises:
        ImageError: with how to get the digest.
    """
    base = arguments.get("BASE", "")
    if _BY_DIGEST.fullmatch(base):
        return
    tag = base.partition("@")[0] or f"python:{environment.python}-slim"
    named = f"BASE={base} names" if base else "No BASE names"
    raise ImageError(
        f"{named} no digest of what the image of environment {environment.name} stands on: who "
        "moves a tag chooses what runs in every worker. Look it up with docker buildx imagetools "
        f"inspect {tag} --format '{{{{.Manifest.Digest}}}}', read it over, and name it: "
        f"make image ENV={environment.name} BASE={tag}@sha256:<digest>."
    )


def given() -> dict[str, str]:
    """Return the build arguments that variables of this process give."""
    return {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}


def _packages(docker: str, images: Mapping[Architecture, str]) -> str:
    """Return what images have, a package a line; refuse images that differ."""
    found = {
        architecture: _run(
            docker,
            *("run", "--rm", "--network", "none", "--platform", PLATFORMS[architecture], image),
            *("python", "-I", "-c", LISTING),
            heard=True,
        )
        for architecture, image in images.items()
    }
    for listed in found.values():
        wrong = [line for line in listed.splitlines() if not _LISTED.fullmatch(line)]
        if wrong or not listed.strip():
            raise ImageError(
                f"The image does not say what packages it has ({one_line(repr(wrong[:1]))}): is "
                "its Python the environment's, and does the base print anything by itself?"
            )
    if len(set(found.values())) > 1:
        one, other = (set(listed.splitlines()) for listed in found.values())
        raise ImageError(
            f"The images of {' and '.join(found)} have different packages: "
            f"{', '.join(sorted(one ^ other))}. Workers of both must find the same: pin them in "
            "the lock."
        )
    return next(iter(found.values()))


def _write(packages: str, path: Path) -> None:
    path.write_text(packages, encoding="utf-8")
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    tell(f"{where} lists its packages: commit it beside the digest.", sys.stderr)


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


def _run(docker: str, *arguments: str, typed: str | None = None, heard: bool = False) -> str:
    """Run a step; its output goes to stderr, so that stdout holds the digest alone.

    Where it is ``heard``, it is returned instead.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program that the caller named
            [docker, *arguments],
            input=typed,
            text=True,
            check=True,
            stdout=subprocess.PIPE if heard else sys.stderr,
            # An attestation would make an index of each image, and no index may hold an index.
            env={**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
    except FileNotFoundError as error:
        raise ImageError(
            f"There is no {docker} here. Install it, or name another: CDK_DOCKER=podman."
        ) from error
    except subprocess.CalledProcessError as error:
        raise ImageError(f"{docker} {arguments[0]} failed; its own words are above.") from error
    return done.stdout if heard else ""


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
        check_base(chosen, given())
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
            arguments=given(),
            lists=LISTS,
        )
    except (ImageError, *_REFUSED) as error:
        tell(one_line(error), sys.stderr)
        return 1
    sys.stdout.write(f'image_digest="{digest}"\n')
    return 0

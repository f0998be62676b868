"""The image command builds for the environment, pushes a release and prints what to deploy."""

from __future__ import annotations

import base64
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.stub import Stubber

from deploy.tools.image import ImageError, main, push, release_tag
from environments import PROD
from stacks.images.listing import image_packages
from stacks.settings import Environment
from starburst_constructs.storage.registry import RELEASE_PREFIX

REPOSITORY = "222233334444.dkr.ecr.eu-west-1.amazonaws.com/worker"
DIGEST = "sha256:" + "ab" * 32
BASE = "python:3.11-slim@sha256:" + "cd" * 32
PINNED = {"BASE": BASE}
ANOTHER = replace(PROD, purpose="test", data_class="internal", break_glass_role_arn=None)

RUN = """
import os, subprocess, sys
place = sys.argv.index("python")
assert "--network" in sys.argv and "none" in sys.argv, "an image is asked offline"
platform = sys.argv[sys.argv.index("--platform") + 1].rpartition("/")[2]
if os.environ.get("PACKAGES_" + platform):
    print(os.environ["PACKAGES_" + platform])
else:
    sys.exit(subprocess.run([sys.executable, *sys.argv[place + 1:]]).returncode)
"""
"""A docker's run: this interpreter stands for the image's, or a variable for what it prints."""


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Stubber, Any, Stubber]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    session = boto3.Session(region_name="eu-west-1")
    cloudformation, ecr = session.client("cloudformation"), session.client("ecr")
    return cloudformation, Stubber(cloudformation), ecr, Stubber(ecr)


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A docker that writes down its arguments and what it is typed."""
    program = tmp_path / "docker"
    log = shlex.quote(str(tmp_path / "log"))
    run = tmp_path / "run.py"
    run.write_text(RUN)
    python = shlex.join((sys.executable, str(run)))
    program.write_text(
        f'#!/bin/sh\n[ "$1" != run ] || exec {python} "$@"\n'
        f'echo "$@" >> {log}\n[ "$1" != login ] || {{ cat; echo; }} >> {log}\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Where lists of packages are written to."""
    folder = tmp_path / "lists"
    folder.mkdir()
    return folder


def deployed(stub: Stubber) -> None:
    outputs = [{"OutputKey": "RepositoryUri", "OutputValue": REPOSITORY}]
    stack = {
        "StackName": "starburst-prod-registry",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": outputs,
    }
    stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": stack["StackName"]})


def answered(stub: Stubber) -> None:
    """Let the registry give a login, and the digest of what was pushed."""
    token = base64.b64encode(b"AWS:one-day-token").decode()
    stub.add_response(
        "get_authorization_token", {"authorizationData": [{"authorizationToken": token}]}
    )
    stub.add_response(
        "describe_images",
        {"imageDetails": [{"imageDigest": DIGEST}]},
        {"repositoryName": "worker", "imageIds": [{"imageTag": "release-1"}]},
    )


def test_it_builds_logs_in_pushes_and_returns_the_digest(
    clients: tuple[Any, Stubber, Any, Stubber], docker: Path
) -> None:
    cloudformation, stacks, ecr, images = clients
    deployed(stacks)
    answered(images)
    with stacks, images:
        digest = push(
            PROD,
            "release-1",
            cloudformation=cloudformation,
            ecr=ecr,
            docker=str(docker),
            arguments={"BASE": BASE, "DATA_LOCK": "requirements-own.lock"},
        )
    assert digest == DIGEST
    build, login, typed, pushed = (docker.parent / "log").read_text().splitlines()
    assert build.startswith(f"build --platform linux/amd64 --tag {REPOSITORY}:release-1")
    assert f"--build-arg PYTHON={PROD.python} " in build
    assert f"--build-arg BASE={BASE} --build-arg DATA_LOCK=requirements-own.lock" in build
    assert login == "login --username AWS --password-stdin " + REPOSITORY.split("/", maxsplit=1)[0]
    assert typed == "one-day-token"
    assert pushed == f"push {REPOSITORY}:release-1"


def test_two_architectures_become_two_images_and_one_index(
    clients: tuple[Any, Stubber, Any, Stubber], docker: Path
) -> None:
    cloudformation, stacks, ecr, images = clients
    deployed(stacks)
    answered(images)
    both = replace(PROD, other_architectures=("ARM64",))
    with stacks, images:
        digest = push(
            both,
            "release-1",
            cloudformation=cloudformation,
            ecr=ecr,
            docker=str(docker),
            arguments=PINNED,
        )
    assert digest == DIGEST, "of the index"
    tag = f"{REPOSITORY}:release-1"
    said = (docker.parent / "log").read_text().splitlines()
    assert said[0].startswith(f"build --platform linux/amd64 --tag {tag}-x86_64 ")
    assert said[1].startswith(f"build --platform linux/arm64 --tag {tag}-arm64 ")
    assert said[4:] == [
        f"push {tag}-x86_64",
        f"push {tag}-arm64",
        f"manifest create {tag} {tag}-x86_64 {tag}-arm64",
        f"manifest push {tag}",
    ]


def test_an_environment_that_is_not_deployed_is_named(
    clients: tuple[Any, Stubber, Any, Stubber],
) -> None:
    cloudformation, stacks, ecr, _ = clients
    stacks.add_client_error("describe_stacks", "ValidationError", "does not exist")
    with stacks, pytest.raises(ImageError, match="cdk deploy 'prod/registry'"):
        push(PROD, "release-1", cloudformation=cloudformation, ecr=ecr, arguments=PINNED)


@pytest.mark.parametrize("base", [None, "python:3.11-slim", "python@sha256:abc", f"x@y {BASE}"])
@pytest.mark.parametrize("environment", [PROD, ANOTHER], ids=lambda each: each.purpose)
def test_no_image_stands_on_one_whose_tag_can_move(
    clients: tuple[Any, Stubber, Any, Stubber],
    docker: Path,
    environment: Environment,
    base: str | None,
) -> None:
    cloudformation, stacks, ecr, images = clients
    arguments = {} if base is None else {"BASE": base}
    with stacks, images, pytest.raises(ImageError, match=r"@sha256:<digest>") as refusal:
        push(
            environment,
            "release-1",
            cloudformation=cloudformation,
            ecr=ecr,
            docker=str(docker),
            arguments=arguments,
        )
    assert "docker buildx imagetools inspect" in str(refusal.value)
    assert ("No BASE names" if base is None else f"BASE={base} names no") in str(refusal.value)
    assert not (docker.parent / "log").exists(), "nothing was built"


def listed(
    clients: tuple[Any, Stubber, Any, Stubber],
    docker: Path,
    lists: Path,
    environment: Environment = PROD,
) -> Mapping[str, str] | None:
    """Push, and return what synthesis then knows of the image."""
    cloudformation, stacks, ecr, images = clients
    deployed(stacks)
    answered(images)
    with stacks, images:
        digest = push(
            environment,
            "release-1",
            cloudformation=cloudformation,
            ecr=ecr,
            docker=str(docker),
            arguments=PINNED,
            lists=lists,
        )
    return image_packages(digest, folder=lists)


def test_what_the_image_has_is_listed_by_its_digest(
    clients: tuple[Any, Stubber, Any, Stubber],
    docker: Path,
    lists: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    found = listed(clients, docker, lists)
    assert found is not None
    # The image's Python is this one here, so what is listed is what is installed here.
    assert found["boto3"] == version("boto3")
    assert found["aws-cdk-lib"] == version("aws-cdk-lib")
    assert [path.name for path in lists.iterdir()] == ["abababababab.txt"]
    assert "abababababab.txt lists its packages: commit it" in capfd.readouterr().err


def test_two_architectures_have_the_same_packages_or_nothing_is_pushed(
    clients: tuple[Any, Stubber, Any, Stubber],
    docker: Path,
    lists: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PACKAGES_amd64", "boto3==1.0\nnumpy==2.0")
    monkeypatch.setenv("PACKAGES_arm64", "boto3==1.0\nnumpy==2.1")
    both = replace(PROD, other_architectures=("ARM64",))
    with pytest.raises(ImageError, match=r"different packages: numpy==2.0, numpy==2.1"):
        listed(clients, docker, lists, both)
    assert "push" not in (docker.parent / "log").read_text()
    assert not [*lists.iterdir()]


@pytest.mark.parametrize("printed", ["Hello from the base\nboto3==1.0", " "])
def test_an_image_that_says_something_else_is_not_listed(
    clients: tuple[Any, Stubber, Any, Stubber],
    docker: Path,
    lists: Path,
    monkeypatch: pytest.MonkeyPatch,
    printed: str,
) -> None:
    monkeypatch.setenv("PACKAGES_amd64", printed)
    with pytest.raises(ImageError, match="does not say what packages it has"):
        listed(clients, docker, lists)
    assert not [*lists.iterdir()]


@pytest.mark.parametrize(
    ("script", "said"),
    [(None, "CDK_DOCKER=podman"), ("#!/bin/sh\nexit 1\n", "build failed")],
)
def test_a_docker_that_is_absent_or_fails_is_named(
    clients: tuple[Any, Stubber, Any, Stubber], docker: Path, script: str | None, said: str
) -> None:
    cloudformation, stacks, ecr, _ = clients
    deployed(stacks)
    if script is None:
        docker.unlink()
    else:
        docker.write_text(script)
    with stacks, pytest.raises(ImageError, match=said):
        push(
            PROD,
            "release-1",
            cloudformation=cloudformation,
            ecr=ecr,
            docker=str(docker),
            arguments=PINNED,
        )


@pytest.mark.parametrize(
    "failure",
    [
        NoCredentialsError(),
        ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "GetCallerIdentity"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_who_is_not_logged_in_is_told_how(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Client:
        def get_caller_identity(self) -> None:
            raise failure

    monkeypatch.setattr("boto3.Session.client", lambda *_: Client())
    monkeypatch.setenv("BASE", BASE)
    assert main(["prod"]) == 1
    said = capsys.readouterr().err
    assert "credentials for account 222233334444 are missing or expired" in said
    assert "AWS_PROFILE=… make image ENV=prod" in said


def test_a_base_without_a_digest_is_refused_before_aws_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*_: object) -> None:
        raise AssertionError("AWS was asked")

    monkeypatch.setattr("boto3.Session.client", ask)
    monkeypatch.setenv("BASE", "python:3.11-slim")
    assert main(["dev"]) == 1
    said = capsys.readouterr().err
    assert "make image ENV=dev BASE=python:3.11-slim@sha256:<digest>" in said


def test_an_unknown_environment_is_answered_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["staging"]) == 1
    assert "environments.py has local, dev, prod, regulated" in capsys.readouterr().err


def test_tags_are_kept_by_the_lifecycle_and_never_used_again() -> None:
    first = release_tag(datetime(2026, 11, 22, 5, 0, 0, tzinfo=UTC))
    second = release_tag(datetime(2026, 11, 22, 5, 0, 1, tzinfo=UTC))
    assert first.startswith(RELEASE_PREFIX)
    assert first != second
    assert re.fullmatch(r"[a-zA-Z0-9._-]{1,128}", first)

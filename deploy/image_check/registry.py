"""An ECR of this machine's own for one check: the emulator as it is published, on loopback.

The local environment's own emulator answers no registry, since that asks no policy. Here nothing is
guarded: one image goes in and comes out.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3

from deploy.image_check.programs import CheckError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

__all__ = ["Registry", "registry"]

_NAME: Final = "starburst/worker"
_START_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 10.0


class Registry:
    """One repository.

    Args:
        port: on 127.0.0.1.

    Attributes:
        repository: what images are pushed to.
    """

    def __init__(self, port: int) -> None:
        self.repository = f"127.0.0.1:{port}/{_NAME}:checked"
        self._ecr: ECRClient = boto3.client(
            "ecr",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator's own word
        )
        self._ecr.create_repository(repositoryName=_NAME)

    def digest(self) -> str:
        """Return the digest of the image that was pushed, as ECR tells it."""
        details = self._ecr.describe_images(repositoryName=_NAME)["imageDetails"]
        return details[0].get("imageDigest", "")


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Give a registry while the block runs.

    Args:
        folder: for all that it writes.

    Raises:
        CheckError: it did not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": "eu-west-1",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "LOG_LEVEL": "WARNING",
    }
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=variables, stdout=log, stderr=log
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/_ministack/health", folder / "registry.log")
            yield Registry(port)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            try:
                urllib.request.urlopen(url, timeout=1)  # noqa: S310 - loopback
            except urllib.error.HTTPError:
                return
            return
        time.sleep(_PAUSE_SECONDS)
    raise CheckError(f"the registry did not start:\n{log.read_text()[-2000:]}")

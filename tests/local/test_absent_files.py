"""Zarr on S3 as AWS answers it: 403 for a chunk that was never written, which is no refusal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from starburst.local import LocalEnvironment
from starburst.local.emulator import REGION
from tests.local.scene import ALLOW, Scene

READS = "import sys, zarr; print(float(zarr.open_array(sys.argv[1], mode='r')[:].sum()))"
AS_A_TASK = "from starburst.aws.absent_files import tell_absent_in_tasks as t; t(); "


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with LocalEnvironment(unkind=3) as local:
        yield Scene(local)


@pytest.mark.parametrize("as_a_task", [True, False])
def test_a_chunk_that_was_never_written_is_read_as_what_fills_it(
    as_a_task: bool, scene: Scene, tmp_path: Path
) -> None:
    import zarr  # noqa: PLC0415 - slow, and every process collects this file

    array = zarr.open_array(tmp_path / "a.zarr", mode="w", shape=(4, 4), chunks=(2, 2), dtype="f8")
    array[:2, :2] = np.ones((2, 2))  # one chunk of four
    bucket = scene.bucket()
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        key = f"data/demo/{path.relative_to(tmp_path).as_posix()}"
        scene.root("s3").put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    # A worker's rights: to list by a prefix, which a GET does not carry.
    reader = {**ALLOW, "Action": "s3:GetObject", "Resource": "*"}
    below = {"StringLike": {"s3:prefix": "data/demo/*"}}
    lister = {**ALLOW, "Action": "s3:ListBucket", "Resource": "*", "Condition": below}
    keys = scene.become(scene.role(reader, lister)).get_credentials()
    assert keys is not None
    scene.local.begin_unkindness("missing_keys")
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [
            *(sys.executable, "-c", (AS_A_TASK if as_a_task else "") + READS),
            f"s3://{bucket}/data/demo/a.zarr",
        ],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": str(keys.token),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": scene.local.endpoint,
            "AWS_CA_BUNDLE": str(scene.local.ca_bundle),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if as_a_task:
        assert (done.returncode, done.stdout) == (0, "4.0\n"), done.stderr
    else:
        assert "PermissionError: Forbidden" in done.stderr, "s3fs or zarr needs it no more"

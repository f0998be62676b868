"""s3fs as ours is: a login that is asked for anew, and a missing key that is no refusal."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.credentials import ReadOnlyCredentials

from starburst import ConfigurationError, data
from starburst._client.access.connection import Connection
from starburst.aws.absent_files import answers_for_absent


def asked(listed: Any, method: str = "head_object", **terms: Any) -> Any:
    """What s3fs is answered for a key that S3 refuses, where a list shows so much."""

    async def call(_: object, called: str, **__: Any) -> Any:
        if called != "list_objects_v2":
            raise PermissionError("Forbidden")
        if isinstance(listed, Exception):
            raise listed
        return {"Contents": [{"Key": key} for key in listed]} if listed else {}

    wanted = {"Bucket": "b", "Key": "z/0.0", **terms}
    return asyncio.run(answers_for_absent(call)(None, method, **wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["head_object", "get_object"])
@pytest.mark.parametrize("listed", [[], ["z/0.01"]])
def test_a_key_that_is_refused_and_not_listed_is_missing(listed: list[str], method: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is nothing at s3://b/z/0\.0"):
        asked(listed, method)


@pytest.mark.parametrize(
    ("listed", "method", "terms"),
    [
        (["z/0.0"], "head_object", {}),
        (PermissionError("nor this"), "head_object", {}),
        ([], "put_object", {}),
        ([], "get_object", {"VersionId": "1"}),
    ],
)
def test_a_refusal_stays_one(listed: Any, method: str, terms: dict[str, Any]) -> None:
    with pytest.raises(PermissionError, match="Forbidden"):
        asked(listed, method, **terms)


def test_a_task_imports_s3fs_only_when_it_asks_and_gets_that_answer() -> None:
    code = (
        "import sys\n"
        "from starburst.aws.absent_files import tell_absent_in_tasks\n"
        "tell_absent_in_tasks()\n"
        "assert not {'s3fs', 'fsspec', 'aiobotocore'} & {*sys.modules}\n"
        "import fsspec\n"
        "files = fsspec.get_filesystem_class('s3')\n"
        "assert files._call_s3.__module__ == 's3fs.core', files._call_s3.__module__\n"
        "assert files._call_s3.__wrapped__\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)  # noqa: S603 - ours


def test_a_file_system_signs_with_the_login_of_the_moment(connection: Connection) -> None:
    class Login:
        count = 0

        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            self.count += 1
            return ReadOnlyCredentials(f"key{self.count}", "secret", "token")

    login: Any = Login()
    aws: Any = type("Session", (), {"get_credentials": lambda _: login})()
    files = data.filesystem(environment=replace(connection, aws=aws))

    async def keys() -> list[str]:
        held = await files.session.get_credentials()
        return [(await held.get_frozen_credentials()).access_key for _ in range(2)]

    assert asyncio.run(keys()) == ["key1", "key2"]
    assert files.client_kwargs["region_name"] == "eu-west-1"


def test_two_logins_share_no_file_system_and_none_leaves_its_process(
    connection: Connection,
) -> None:
    files = [data.filesystem(environment=connection) for _ in range(2)]
    assert files[0] is not files[1]
    with pytest.raises(TypeError, match=r"starburst\.data\.filesystem\(\)"):
        pickle.dumps(files[0])


def test_a_missing_s3fs_is_told_with_what_installs_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ConfigurationError, match=r"pip install \"starburst\[data\]\""):
        data.filesystem(environment=connection)


def test_nobody_who_is_not_logged_in_gets_a_file_system(connection: Connection) -> None:
    nobody = replace(connection, aws=None)
    with pytest.raises(ConfigurationError, match="without a login"):
        data.filesystem(environment=nobody)
    assert isinstance(connection.aws, boto3.session.Session)

"""A workspace in moto, and an analyst whose uv knows one folder of wheels and no network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from starburst._packages.plan import Plan, make_plan
from starburst._packages.sources import read_source
from starburst._packages.store import PackageStore
from starburst._packages.target import Target
from starburst.contract import PackagesDocument
from tests.packages.wheels import only_offered
from tests.quick_moto import quick_aws, quick_clients

BUCKET = "starburst-test-data"
HERE = Target(python=f"{sys.version_info.major}.{sys.version_info.minor}", architecture="X86_64")


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that has wheels; all that uv and pip have set up is put aside."""
    return only_offered(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def sdk() -> boto3.session.Session:
    return boto3.session.Session("testing", "testing", region_name="eu-west-1")


@pytest.fixture
def s3(sdk: boto3.session.Session) -> Iterator[Any]:
    with quick_aws():
        (client,) = quick_clients(sdk, "s3")
        client.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@dataclass
class Desk:
    """Asks for packages of one workspace."""

    s3: Any
    document: PackagesDocument = field(default_factory=lambda: PackagesDocument(policy="any"))
    target: Target = HERE
    steward: bool = False
    later: float = 0.0
    """Days that have passed."""

    @property
    def store(self) -> PackageStore:
        return PackageStore(
            self.s3,
            BUCKET,
            "study",
            days=self.document.days,
            now=lambda: time.time() + self.later * 86_400,
        )

    def plan(self, packages: Any) -> Plan:
        return make_plan(
            read_source(packages),
            self.target,
            self.document,
            self.store,
            workspace="study",
            steward=self.steward,
        )

    def stored(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [each["Key"] for each in listed]


@pytest.fixture
def desk(s3: Any, offered: Path) -> Desk:
    return Desk(s3)


@pytest.fixture
def no_uv(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have no call of uv succeed from now on."""

    def call() -> None:
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("uv was asked")

        monkeypatch.setattr("starburst._packages.resolving.subprocess.run", refuse)

    return call

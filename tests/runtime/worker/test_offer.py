"""What an environment does not offer is refused by name, before anything is created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.options import SessionOptions
from starburst._protocol.manifest import Manifest
from starburst.contract import Hosts, Instance, RuntimeDocument
from starburst.errors import ConfigurationError
from tests.manifests import a_manifest
from tests.runtime.fleet import BUCKET, Fleet


def objects(fleet: Fleet) -> list[str]:
    page = fleet.s3.list_objects_v2(Bucket=BUCKET)
    return [entry.get("Key", "") for entry in page.get("Contents", ())]


def test_an_architecture_that_is_not_offered_creates_nothing(
    connection: Connection, fleet: Fleet
) -> None:
    with pytest.raises(ConfigurationError, match=r"are x86_64.*other_architectures"):
        starburst.session(connection, architecture="arm64")
    with pytest.raises(ConfigurationError, match="are x86_64"):
        starburst.map(abs, [-1], environment=connection, architecture="arm64")
    assert objects(fleet) == []


def test_what_is_asked_for_stands_in_the_manifest(connection: Connection, fleet: Fleet) -> None:
    offered = replace(
        connection, document=replace(connection.document, other_architectures=("ARM64",))
    )
    session = starburst.session(
        offered, workers=1, architecture="arm64", scratch_gb=120, capacity="mixed"
    )
    (key,) = (key for key in objects(fleet) if key.endswith("manifest.json"))
    manifest = Manifest.from_json(fleet.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    session.cleanup(force=True)

    assert (manifest.architecture, manifest.scratch_gb) == ("ARM64", 120)
    assert manifest.capacity == "mixed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"architecture": "ARM64"},
        {"architecture": "riscv"},
        {"scratch_gb": 20},
        {"scratch_gb": 201},
        {"scratch_gb": 50.5},
        {"capacity": "cheap"},
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=name):
        SessionOptions(**wrong)


@pytest.mark.parametrize("field", [{"architecture": "MIPS"}, {"scratch_gb": "60"}])
def test_a_manifest_that_was_edited_is_refused(field: dict[str, Any]) -> None:
    manifest = a_manifest()
    assert Manifest.from_json(manifest.to_json()).session == manifest.session
    (name,) = field
    with pytest.raises(ValueError, match=name):
        Manifest.from_json(replace(manifest, **field).to_json())


def test_a_document_without_other_architectures_can_be_read(connection: Connection) -> None:
    text = connection.document.to_json()
    older = text.replace('"other_architectures":[],', "").replace('"scratch_gb":200,', "")
    assert older != text

    assert RuntimeDocument.from_json(older) == RuntimeDocument.from_json(text)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cpu": 16, "memory": 32}, "no instance"),
        ({"capacity": "spot"}, "on-demand instances only"),
        ({"scratch_gb": 50}, "share the disk"),
    ],
)
def test_what_instances_cannot_do_creates_nothing(
    connection: Connection, fleet: Fleet, options: dict[str, Any], says: str
) -> None:
    instance = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.3)
    hosted = replace(connection.document, hosts=Hosts(instances=(instance,)))
    with pytest.raises(ConfigurationError, match=says):
        starburst.session(replace(connection, document=hosted), **options)
    assert objects(fleet) == []
    assert RuntimeDocument.from_json(hosted.to_json()) == hosted

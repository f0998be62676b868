"""The functions of the add-on, imported as Lambda does, and an Inspector that answers by pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.addons.inspector.findings import REPOSITORY
from tests.addons.lambda_folder import lambda_folder
from tests.controller.effects.memory_cloud import MemoryStore

ADDON = Path(__file__).resolve().parents[3] / "stacks/addons/inspector"


@pytest.fixture(scope="module")
def gate_module() -> Iterator[ModuleType]:
    with lambda_folder(ADDON / "gate_function") as modules:
        yield modules["handler"]


@pytest.fixture(scope="module")
def enabling_module() -> Iterator[ModuleType]:
    with lambda_folder(ADDON / "enabling_function") as modules:
        yield modules["handler"]


class Pages:
    """What a paginator of the SDK gives, a few at a time."""

    def __init__(self, key: str, items: list[Any]) -> None:
        self._key = key
        self._items = items

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        size = asked.get("maxResults", 100)
        for first in range(0, max(1, len(self._items)), size):
            yield {self._key: self._items[first : first + size]}


class FakeInspector:
    """Inspector and ECR, as far as the gate asks them; filters are Inspector's to apply."""

    def __init__(self) -> None:
        self.covered: dict[str, dict[str, Any]] = {}
        self.found: list[dict[str, Any]] = []
        self.pushed: list[str] = []
        self.indexes: dict[str, list[Mapping[str, Any]]] = {}
        self.fails: Exception | None = None
        self.asked: list[dict[str, Any]] = []

    def scan(self, digest: str, *, active: bool = True, at: object = 1.0) -> None:
        self.covered[digest] = {
            "resourceId": f"{REPOSITORY}/{digest}",
            "resourceType": "AWS_ECR_CONTAINER_IMAGE",
            "scanStatus": {"statusCode": "ACTIVE" if active else "INACTIVE", "reason": "…"},
            **({} if at is None else {"lastScannedAt": at}),
        }

    def get_paginator(self, name: str) -> Any:
        if self.fails is not None:
            raise self.fails
        match name:
            case "list_coverage":
                return Filtered(self, "coveredResources", [*self.covered.values()])
            case "list_findings":
                return Filtered(self, "findings", self.found)
            case _:
                details = [
                    {
                        "imageDigest": digest,
                        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
                    }
                    for digest in self.indexes
                ]
                plain = [
                    {"imageDigest": digest, "imageManifestMediaType": "plain"}
                    for digest in ("sha256:" + "c" * 64, *self.pushed)
                ]
                return Pages("imageDetails", [*details, *plain])

    def batch_get_image(self, **asked: Any) -> dict[str, Any]:
        return {
            "images": [
                {
                    "imageId": one,
                    "imageManifest": json.dumps({"manifests": self.indexes[one["imageDigest"]]}),
                }
                for one in asked["imageIds"]
            ]
        }


class Filtered:
    """Pages of what the criteria let through."""

    def __init__(self, inspector: FakeInspector, key: str, items: list[dict[str, Any]]) -> None:
        self._inspector, self._key, self._items = inspector, key, items

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self._inspector.asked.append(asked)
        criteria = {
            name: {one["value"] for one in values}
            for name, values in asked["filterCriteria"].items()
        }
        fits = [one for one in self._items if self._fits(one, criteria)]
        yield from Pages(self._key, fits).paginate(**asked)

    def _fits(self, one: dict[str, Any], criteria: dict[str, set[str]]) -> bool:
        if self._key == "coveredResources":
            return one["resourceId"] in criteria.get("resourceId", {one["resourceId"]})
        image = one["resources"][0]["details"]["awsEcrContainerImage"]
        return (
            one["severity"] in criteria["severity"]
            and one["status"] in criteria["findingStatus"]
            and image["repositoryName"] in criteria["ecrImageRepositoryName"]
            and image["imageHash"] in criteria.get("ecrImageHash", {image["imageHash"]})
        )


class Store(MemoryStore):
    """S3 with a paginator."""

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return _Listing(self)


class _Listing:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self._store.objects if key.startswith(asked["Prefix"]))
        yield {"Contents": [{"Key": key} for key in keys]}


class Scene:
    """One gate, its clock, and what it keeps."""

    def __init__(self, module: ModuleType, *, account: bool = True) -> None:
        self.now = 1_700_000_000.0
        self.store = Store(now=lambda: self.now)
        self.inspector = FakeInspector()
        self.lines: list[dict[str, Any]] = []
        self.beats: list[dict[str, Any]] = []
        record: Any = sys.modules["record"]
        sources: Any = sys.modules["sources"]
        self.gate = module.Gate(
            record=record.Record(self.store, "record", pause=lambda _: None),
            sources=sources.Sources(self.inspector, self.inspector, REPOSITORY),
            repository=REPOSITORY,
            account=account,
            clock=lambda: self.now,
            tell=self._said,
        )

    def _said(self, line: str) -> None:
        said = json.loads(line)
        (self.lines if said["image_gate"] == "opened" else self.beats).append(said)

    def tell(self, event: dict[str, Any]) -> dict[str, Any]:
        return self.gate.handle(event)

    def compare(self) -> dict[str, Any]:
        return self.gate.handle({"image_gate": "compare"})

    def kept(self, key: str) -> dict[str, Any]:
        return json.loads(self.store.objects[key].body)

    def open(self, digest: str) -> set[str]:
        """Return the vulnerabilities that stand in an image."""
        key = f"images/{digest.removeprefix('sha256:')}.json"
        if key not in self.store.objects:
            return set()
        findings = self.kept(key)["findings"].values()
        return {one["vulnerability"] for one in findings if one.get("open", True)}


@pytest.fixture
def scene(gate_module: ModuleType) -> Scene:
    return Scene(gate_module)

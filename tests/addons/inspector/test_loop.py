"""What the gate writes is what the controller reads: neither imports the other."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from starburst.contract.image_gate import ImageGateDocument, image_gate_parameter
from tests.addons.inspector.conftest import Scene
from tests.addons.inspector.findings import DIGEST, finding, scanned, told, written
from tests.controller.effects.memory_world import a_world
from tests.manifests import a_manifest


def test_a_session_is_refused_from_a_finding_until_it_closes(gate_module: ModuleType) -> None:
    scene, world = Scene(gate_module), a_world()
    world.store.objects = scene.store.objects
    scene.now = world.now
    gate = image_gate_parameter("prod")
    world.environment.settings = replace(
        world.environment.settings, image_gate=gate, image_gate_strict=True
    )
    world.deploy()
    text = ImageGateDocument(bucket="record").to_json()
    world.parameters.put_parameter(Name=gate, Value=text, Type="String", Overwrite=True)
    world.ecs.image = f"worker@{DIGEST}"

    def answer(letter: str) -> str:
        said = world.start(a_manifest(session=letter * 20))
        return "" if said["ok"] else said["error"]["message"]

    assert "has not compared" in answer("a")
    scene.compare()
    assert "has not scanned" in answer("b")
    scene.inspector.scan(DIGEST)
    scene.tell(scanned())
    assert answer("c") == ""
    scene.tell(told(finding(updated=written(1_600_000_000))))
    assert "CRITICAL CVE-2019-17498 in libssh2 1.4.3" in answer("d")
    scene.tell(told(finding(status="CLOSED", updated=written(1_600_000_060))))
    assert answer("e") == ""
    world.later(86_401)
    assert "more than a day ago" in answer("f")

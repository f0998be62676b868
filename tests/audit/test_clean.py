"""The control: as its code has it, nothing is found, and everything was looked at."""

from __future__ import annotations

from deploy.audit.command import audit
from tests.audit.scene import Scene


def test_an_environment_as_its_code_has_it_has_no_finding(scene: Scene) -> None:
    found = audit(scene.subject)
    assert {name: [*map(str, each)] for name, each in found.findings.items() if each} == {}
    assert found.unseen == {}
    assert found.code == 0

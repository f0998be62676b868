"""How a test of the audit spoils the scene, and what it may find then."""

from __future__ import annotations

from collections.abc import Callable

from deploy.audit.command import audit
from deploy.audit.subject import Finding
from tests.audit.scene import Scene

__all__ = ["Spoil", "expect_alone", "found"]

Spoil = Callable[[Scene], object]


def found(scene: Scene) -> list[tuple[str, Finding]]:
    told = audit(scene.subject)
    assert told.unseen == {}
    assert told.code == 1
    return [(check, one) for check, each in told.findings.items() for one in each]


def expect_alone(scene: Scene, spoil: Spoil, *, check: str, words: str) -> None:
    """Spoil it, and expect this finding and no other."""
    spoil(scene)
    [(name, one)] = found(scene)
    assert name == check
    assert words in str(one)
    assert one.why
    assert one.do

"""The scene that every test of the audit spoils in one way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audit.scene import Scene, a_scene


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with a_scene() as made:
        yield made

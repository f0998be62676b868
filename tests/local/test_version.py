"""Another emulator than the one that the patches know is refused."""

from __future__ import annotations

import importlib.metadata
import types

import pytest

from starburst.errors import LocalEnvironmentError
from starburst.local.emulation.patching import wrap
from starburst.local.emulator import EMULATOR_VERSION, check_version


def test_the_installed_version_is_the_one() -> None:
    check_version()
    assert importlib.metadata.version("ministack") == EMULATOR_VERSION


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "1.6.0")
    with pytest.raises(LocalEnvironmentError, match=r"ministack 1\.6\.0 is installed"):
        check_version()


def test_no_emulator_is_refused_with_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(LocalEnvironmentError, match=r"pip install 'starburst\[local\]'"):
        check_version()


def test_a_private_name_that_is_gone_is_refused() -> None:
    with pytest.raises(LocalEnvironmentError, match=r"has no somewhere\.gone"):
        wrap(types.ModuleType("somewhere"), "gone", lambda function: function)

"""The audit's module as Lambda imports it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.addons.lambda_folder import lambda_folder

SOURCE = Path(__file__).resolve().parents[3] / "stacks/addons/identity_governance/report"


@pytest.fixture
def handler() -> Iterator[ModuleType]:
    """The function's module, imported as Lambda does: from its own folder."""
    with lambda_folder(SOURCE) as modules:
        yield modules["handler"]

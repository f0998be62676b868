"""What a worker cannot load is an error of ours that names the package.

In a file of its own: whatever imports by name has a whole project travel, and that takes seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from starburst._codec.exceptions import rebuild
from starburst.errors import RemoteTraceback, UnpicklableInput
from starburst.worker.child.process import Child
from tests.runtime.children import run


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child()
    yield child
    child.kill()


def test_what_cannot_be_loaded_is_an_error_of_ours_that_names_the_package(
    child: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is installed here alone."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "only_here.py").write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(packages)
    twice = importlib.import_module("only_here").twice
    monkeypatch.delenv("PYTHONPATH", raising=False)

    (function, _), (input_, _) = run(child, twice), run(child, id, inputs=[twice, twice])
    for failures, what in ((function, "the function"), (input_, "an input")):
        error = rebuild(failures[0], mode="data")
        assert type(error) is UnpicklableInput
        assert f"cannot load {what}: it has no module 'only_here'" in str(error)
        assert "Have the package 'only_here' travel with packages=" in str(error)
        assert RemoteTraceback.of(error)

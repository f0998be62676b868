"""Classes of a script: a result is of the very class that the client has, by either mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from starburst._codec import decode, encode
from starburst.errors import PayloadError
from tests.codec import own_classes
from tests.repository.imports import ROOT

SCRIPT = Path(own_classes.__file__)
DATA = {"slots", "frozen", "late", "generic", "tuple", "enum"}


@pytest.fixture(scope="module")
def came_back() -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, SCRIPT],
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("mode", ["data", "pickle"])
@pytest.mark.parametrize("name", own_classes.VALUES)
def test_results_are_of_the_scripts_own_classes(
    came_back: dict[str, Any], name: str, mode: str
) -> None:
    found = came_back["found"][f"{name} {mode}"]
    if mode == "pickle" or name in DATA:
        assert found is True
    else:
        assert "__main__." in found
        assert 'results="pickle"' in found


def test_a_client_without_the_classes_gets_them_with_the_pickle(came_back: dict[str, Any]) -> None:
    read = {
        name: decode("pickle", memoryview(bytearray.fromhex(data)), mode="pickle")
        for name, data in came_back["pickles"].items()
    }
    bare: Any = read["bare pickle"]
    assert (type(bare).__name__, bare.weight) == ("Bare", 3)
    together: Any = read["all pickle"]
    assert (together[0].b[0].weight, together[1].weight) == (3, 2)
    assert type(together[1]) is type(bare)


class Gone:
    """Removed before it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return getattr, (own_classes, "no_more")


def test_a_pickle_that_cannot_be_loaded_is_told_by_name() -> None:
    encoded = encode([Gone()], mode="pickle")
    data = memoryview(b"".join(encoded.parts))
    with pytest.raises(PayloadError, match=r"of type builtins\.list .*no_more"):
        decode(encoded.format, data, mode="pickle")

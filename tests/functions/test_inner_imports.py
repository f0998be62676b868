"""Modules that a function imports only while it runs arrive where nothing of them is installed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from starburst._functions.inner_imports import inner_modules
from starburst._functions.payload import dump_function

RUN = (
    "import sys; from starburst._functions.payload import load; "
    "print(load(open(sys.argv[1], 'rb').read())(int(sys.argv[2])))"
)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A user's script whose functions import a package beside it, each in another way."""
    package = tmp_path / "cohort"
    package.mkdir()
    (package / "__init__.py").write_text("NAME = 'cohort'\n")
    (package / "maths.py").write_text(
        "import math\n\nFACTOR = 3\n\n\ndef scaled(x):\n    return FACTOR * x + math.floor(0.5)\n"
    )
    (package / "locked.py").write_text("import threading\n\nLOCK = threading.Lock()\n")
    (package / "relative.py").write_text(
        "def scaled(x):\n    from . import maths\n    return maths.scaled(x)\n\n\n"
        "def chosen(x):\n    from .maths import scaled\n    return scaled(x)\n"
    )
    (tmp_path / "study.py").write_text(
        "def plain(x):\n    import cohort.maths\n    return cohort.maths.scaled(x)\n\n\n"
        "def chosen(x):\n    from cohort.maths import scaled\n    return scaled(x)\n\n\n"
        "def submodule(x):\n    from cohort import maths\n    return maths.scaled(x)\n\n\n"
        "def through_another(x):\n    return plain(x)\n\n\n"
        "def in_a_nested_one(x):\n    return (lambda y: chosen(y))(x)\n\n\n"
        "from cohort.relative import scaled as relative, chosen as relative_too\n\n\n"
        "def standard(x):\n    import json\n    return json.loads(str(3 * x))\n\n\n"
        "def optional(x):\n"
        "    try:\n        import not_there_at_all\n"
        "    except ImportError:\n        return 3 * x\n\n\n"
        "def unneeded(x):\n"
        "    if x < 0:\n        import cohort.locked\n    return 3 * x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("study")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("study", "cohort")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "chosen",
        "submodule",
        "through_another",
        "in_a_nested_one",
        "relative",
        "relative_too",
        "standard",
        "optional",
        "unneeded",
    ],
)
def test_a_function_runs_where_its_modules_are_not(
    study: ModuleType, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    payload = tmp_path_factory.mktemp("elsewhere") / "function"
    payload.write_bytes(dump_function(getattr(study, name)))
    done = subprocess.run(  # noqa: S603 - this interpreter on our own code
        [sys.executable, "-c", RUN, str(payload), "4"],
        capture_output=True,
        text=True,
        check=False,
        cwd=payload.parent,
    )
    assert done.stdout.strip() == "12", done.stderr


def test_only_own_modules_are_brought_along(study: ModuleType) -> None:
    assert set(inner_modules(study.submodule)) == {"cohort", "cohort.maths"}
    assert inner_modules(study.standard) == {}
    assert inner_modules(len) == {}


def test_functions_that_import_the_same_module_share_it_where_they_run(
    study: ModuleType, tmp_path: Path
) -> None:
    """What one of them changes in it, as it would here, the other sees."""
    payloads = []
    for name in ("plain", "chosen"):
        payloads.append(tmp_path / f"{name}.sent")
        payloads[-1].write_bytes(dump_function(getattr(study, name)))
    program = (
        "import sys; from starburst._functions.payload import load; "
        "first = load(open(sys.argv[1], 'rb').read()); first(1); import cohort.maths as maths; "
        "second = load(open(sys.argv[2], 'rb').read()); second(1); import cohort.maths as again; "
        "print(again is maths, sys.modules['cohort'].maths is maths)"
    )
    done = subprocess.run(  # noqa: S603 - this interpreter on our own code
        [sys.executable, "-c", program, *map(str, payloads)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.stdout.strip() == "True True", done.stderr

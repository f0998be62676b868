"""Which files of the analyst's own travel, and which never do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import starburst
from starburst.errors import ConfigurationError, UnpicklableInput
from tests.functions.projects import imported, script, write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "study"
    write(root, {"pyproject.toml": "", "cohort.csv": "patient\n", ".env": "TOKEN=1", "id_rsa": "k"})
    monkeypatch.chdir(root)
    with imported(root, monkeypatch):
        yield root


def travelling(function: Callable[..., Any], *inputs: Any, **options: Any) -> dict[str, str]:
    """Return what would travel, by the names of its files, and why."""
    shown: Any = starburst.map(function, inputs, dry_run=True, **options)
    assert "Nothing was created" in repr(shown)
    return {file.path.rpartition("/study/")[2]: file.why for file in shown.files}


def names(function: Callable[..., Any], *inputs: Any, **options: Any) -> set[str]:
    return set(travelling(function, *inputs, **options))


STAR = "from pack.leaf import *\n"
PACKAGE = {
    "lab/__init__.py": "from . import core\n",
    "lab/core.py": "from .deep import twice\n"
    "try:\n    import nothing_there\nexcept ImportError: ...\n",
    "lab/deep.py": "def twice(x):\n    import late\n    return late.FACTOR * x\n",
    "lab/unused.py": "",
    "lab/data.json": "{}",
    "late.py": "from typing import TYPE_CHECKING\n"
    "FACTOR = 2\nif TYPE_CHECKING:\n    import unseen\n",
    "unseen.py": "",
    "unused.py": "",
}


def test_what_is_reached_travels_and_nothing_beside_it(project: Path) -> None:
    write(project, PACKAGE)
    made = script("import lab.core\ndef run(x): return lab.core.twice(x)\n")
    found = travelling(made.run, 1)
    assert set(found) == {"lab/__init__.py", "lab/core.py", "lab/deep.py", "late.py"}
    assert found["late.py"] == "imported by lab.deep"


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("def run(x):\n    import leaf\n", {"leaf.py"}),
        ("def run(x):\n    from pack import leaf\n", {"pack/__init__.py", "pack/leaf.py"}),
        ("import star\ndef run(x): return star\n", {"star.py", "pack/__init__.py", "pack/leaf.py"}),
        ("run = lambda x: (lambda: __import__('json'), leaf)\nimport leaf\n", {"leaf.py"}),
        ("import spread.inner\nrun = lambda x: spread.inner\n", {"spread/inner.py"}),
        ("import functools, leaf\nrun = functools.partial(leaf.g, 5)\n", {"leaf.py"}),
        ("import leaf\nrun = leaf.Model().method\n", {"leaf.py"}),
        ("import leaf\nrun = leaf.made(3)\n", {"leaf.py"}),
        ("import leaf\ndef run(x, by=leaf.Model()): ...\n", {"leaf.py"}),
        (
            "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def w(x): return f(x)\n"
            "    return w\n@deco\ndef run(x):\n    import leaf\n",
            {"leaf.py"},
        ),
        ("class C:\n    def __call__(self, x):\n        import leaf\nrun = C()\n", {"leaf.py"}),
        ("def run(x):\n    import json, numpy, starburst\n", set()),
    ],
)
def test_a_module_is_reached_however_it_is_named(
    project: Path, text: str, reached: set[str]
) -> None:
    leaf = (
        "class Model:\n    def method(self, x): ...\n"
        "def g(k, x): ...\ndef made(k): return lambda x: k\n"
    )
    write(project, {"leaf.py": leaf, "pack/__init__.py": "", "pack/leaf.py": ""})
    write(project, {"spread/inner.py": "", "spread/other.py": "", "star.py": STAR})
    found = {name for name in names(script(text).run, 1) if name.endswith(".py")}
    # What imports by __import__ has all of its project's code with it; a script's project is here.
    assert found >= reached
    assert "__import__" in text or found == reached


def test_an_input_brings_its_class(project: Path) -> None:
    write(project, {"shapes.py": "import base\nclass Circle(base.Shape): ...\n", "base.py": ""})
    write(project, {"base.py": "class Shape: ...\n"})
    made = script("import shapes\ncircle = shapes.Circle()\ndef run(x): return x\n")
    assert names(made.run, 1) == set()
    assert names(made.run, 1, [made.circle]) == {"shapes.py", "base.py"}


def test_relative_imports_of_a_module_that_is_run_are_its_packages(project: Path) -> None:
    write(project, {"pkg/__init__.py": "", "pkg/leaf.py": "", "pkg/tool.py": ""})
    made = script("def run(x):\n    from . import leaf\n", __package__="pkg")
    assert names(made.run, 1) == {"pkg/__init__.py", "pkg/leaf.py"}


def test_code_that_imports_what_only_running_it_tells_has_its_projects_code_with_it(
    project: Path,
) -> None:
    write(project, {**PACKAGE, "plugins.py": "import importlib\nfind = importlib.import_module\n"})
    write(project, {".hidden/x.py": "", "env/pyvenv.cfg": "", "env/lib/y.py": "", ".z.py": ""})
    write(project.parent, {"outside.py": ""})
    (project / "link.py").symlink_to(project.parent / "outside.py")
    made = script("import plugins\ndef run(x): return plugins.find('unused')\n")
    assert names(made.run, 1) == {name for name in PACKAGE if name.endswith(".py")} | {"plugins.py"}


def test_a_script_in_a_home_folder_sends_what_it_reaches_and_looks_through_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "study"
    monkeypatch.setenv("HOME", str(home))
    write(
        home,
        {"helper.py": "import importlib\n", "private.py": "", ".ssh/id_rsa": "k", ".git/x": ""},
    )
    with imported(home, monkeypatch):
        made = script("import helper\ndef run(x): return helper\n")
        monkeypatch.chdir(home)
        assert names(made.run, 1) == {"helper.py"}
        with pytest.raises(ConfigurationError, match="home folder"):
            names(made.run, 1, include=[home])


def test_include_brings_what_may_travel_and_no_more(project: Path) -> None:
    write(project, {**PACKAGE, "data/a.csv": "", "data/.b": "", "data/key.pem": "", "late.py": ""})
    made = script("def run(x): ...\n")
    os.symlink("/etc", project / "data" / "etc")
    os.symlink("/etc/hostname", project / "data" / "host")
    assert names(made.run, 1, include=[project / "data"]) == {"data/a.csv"}
    assert names(made.run, 1, include=[str(project / "cohort.csv")]) == {"cohort.csv"}
    everything = {name for name in PACKAGE if name.startswith("lab/")}
    assert names(made.run, 1, include=["lab"]) == everything | {"late.py"}
    whole = names(made.run, 1, include=[project])
    assert whole == {*PACKAGE, "cohort.csv", "data/a.csv", "pyproject.toml"}


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (".env", "dotfile or a key"),
        ("id_rsa", "dotfile or a key"),
        ("nowhere", "no file, no folder and no module"),
        ("/", "home folder"),
        ("away", "a link that leaves"),
        ("numpy", "no module of your own"),
    ],
)
def test_what_include_may_not_name_is_refused(project: Path, named: str, why: str) -> None:
    (project / "away").symlink_to("/etc/hostname")
    path = named if named in ("/", "numpy") else str(project / named)
    with pytest.raises(ConfigurationError, match=why):
        names(script("def run(x): ...\n").run, 1, include=[path])
    with pytest.raises(ConfigurationError, match="tuple or a list"):
        names(script("def run(x): ...\n").run, 1, include=path)


def test_what_git_ignores_travels_only_where_it_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        project, {".gitignore": "secret*\nout/\n", "secret_key.py": "", "out/x.csv": "", "a.py": ""}
    )
    write(project, {"a.py": "import secret_key\n", "ok/y.csv": "", "ok/secret.csv": ""})
    (project / ".git").mkdir()
    write(project, {".git/HEAD": "ref: refs/heads/main\n", ".git/refs/x": "", ".git/objects/x": ""})
    made = script("import a\ndef run(x): return a\n")
    with pytest.raises(UnpicklableInput, match=r"git ignores .*secret_key\.py.*include="):
        names(made.run, 1)
    monkeypatch.chdir(project)
    assert names(made.run, 1, include=["secret_key.py"]) == {"a.py", "secret_key.py"}
    assert names(made.run, 1, include=["secret_key.py", "ok", "out"]) == {
        *("a.py", "secret_key.py", "ok/y.csv")
    }


def test_a_module_behind_a_link_out_of_the_project_is_refused(project: Path) -> None:
    write(project.parent, {"elsewhere.py": ""})
    (project / "elsewhere.py").symlink_to(project.parent / "elsewhere.py")
    with pytest.raises(UnpicklableInput, match="a link that leaves"):
        names(script("import elsewhere\ndef run(x): return elsewhere\n").run, 1)


def test_more_than_20_mb_are_refused_with_the_largest(project: Path) -> None:
    for number in range(3):
        with (project / f"part{number}.bin").open("wb") as file:
            file.truncate(7_000_000 + number)
    with pytest.raises(UnpicklableInput, match=r"21\.0 MB.*part2\.bin \(7\.0 MB\).*include="):
        names(script("def run(x): ...\n").run, 1, include=[project])


@pytest.mark.parametrize(
    ("metadata", "more"),
    [
        ({}, set()),
        (
            {"pyproject.toml": "[tool.setuptools.package-data]\nlab = ['*.json']\n"},
            {"lab/data.json"},
        ),
        (
            {"setup.cfg": "[options.package_data]\n* = *.txt, *.json\n", "lab/a.txt": ""},
            {"lab/data.json", "lab/a.txt"},
        ),
        (
            {
                "setup.cfg": "[options]\ninclude_package_data = True\n",
                "MANIFEST.in": "recursive-include lab *.json\ninclude cohort.csv\n",
                "lab/deep/x.json": "",
            },
            {"lab/data.json", "lab/deep/x.json"},
        ),
        ({"pyproject.toml": "[tool.hatch.build]\ninclude = ['*.json']\n"}, {"lab/data.json"}),
        (
            {"pyproject.toml": "[tool.poetry]\ninclude = [{path = 'lab/data.json'}]\n"},
            {"lab/data.json"},
        ),
    ],
)
def test_package_data_travels_where_packaging_metadata_names_it(
    project: Path, metadata: dict[str, str], more: set[str]
) -> None:
    write(project, {**PACKAGE, "lab/b.csv": "", **metadata})
    made = script("import lab\ndef run(x): return lab\n")
    code = {"lab/__init__.py", "lab/core.py", "lab/deep.py", "late.py"}
    assert names(made.run, 1) == code | more


def test_a_module_with_a_name_of_the_standard_library_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {"graphlib.py": "own = True\n"})
    monkeypatch.delitem(sys.modules, "graphlib", raising=False)
    made = script("import graphlib\ndef run(x): return graphlib.own\n")
    with pytest.raises(UnpicklableInput, match="standard library"):
        names(made.run, 1)


def test_the_table_shows_each_file_why_and_what_was_changed(project: Path) -> None:
    write(project, {"model.py": "RATE = 0.1\n"})
    made = script("import model\nmodel.RATE = 0.5\ndef run(x): return model.RATE\n")
    shown: Any = starburst.map(made.run, [1], dry_run=True)
    text = repr(shown)
    assert "study/model.py  (used)" in text
    assert "model.RATE" in text.partition("sent as they are now")[2]
    assert shown._repr_html_().startswith("<pre>")
    assert shown.values == ("model.RATE",)


def test_a_large_value_that_may_have_been_changed_is_told_of(project: Path) -> None:
    """Only running the file would tell whether it was."""
    write(project, {"model.py": "import numpy\nTABLE = numpy.ones(1_000_000)\nSMALL = 1 + 1\n"})
    made = script("import model\ndef run(x): return model.TABLE\n")
    with pytest.warns(UserWarning, match=r"model\.TABLE is too large"):
        shown: Any = starburst.map(made.run, [1], dry_run=True)
    assert shown.values == ("model.SMALL",)


def test_a_module_that_comes_later_is_found(project: Path) -> None:
    """A cell writes a file that the next one imports."""
    made = script("def run(x):\n    import soon\n")
    assert names(made.run, 1) == set()
    write(project, {"soon.py": "import sooner\n"})
    assert names(made.run, 1) == {"soon.py"}
    write(project, {"sooner.py": ""})
    assert names(made.run, 1) == {"soon.py", "sooner.py"}


def test_module_objects_that_are_no_files_travel_by_value(project: Path) -> None:
    made = ModuleType("made_up")
    sys.modules["made_up"] = made
    try:
        assert names(script("def run(x): return made\n", made=made).run, 1) == set()
    finally:
        del sys.modules["made_up"]

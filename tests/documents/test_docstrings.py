"""Examples of docstrings that need an environment run on the local one, and give what they say.

The others run in ``tests/repository/test_arrows.py``.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

import starburst
import starburst.joblib
from starburst._client.reporting.told import Told
from tests.some import some

NOT_RUN: Final = {
    "starburst": "starburst.map has the same example",
    "starburst.ResultIterator": "docs/how-to/burst-a-million-tasks.md runs the same",
    "starburst.data.glob": "starburst.data has the same example",
    "starburst.home.console_url": "the local environment has no console",
    "starburst.joblib": "docs/how-to/use-joblib-and-scikit-learn.md runs the same",
    "starburst.login": "it needs AWS and a device",
}
PREPARE: Final = """
import itertools
from pathlib import Path
import pandas
import starburst
from starburst import rng, wait
put = starburst.put

def f(given):
    return given[1]

def read(number):
    print("reading chromosome", number + 1)
    return number

def train(seed):
    return 1 / (seed + 1) ** 6

def mean_age(path):
    import pandas
    return float(pandas.read_parquet(path)["age"].mean())

frame = pandas.DataFrame({"age": [61, 48]})
for folder in ("cohort", "figures"):
    Path(folder).mkdir()
for name in "abcdefghijkl":
    frame.to_parquet(f"cohort/{name}.parquet")
for path in ("survival.png", "figures/survival.png"):
    Path(path).write_bytes(bytes(49_357))
"""


def found() -> Iterator[doctest.DocTest]:
    """Yield the docstrings of public names with examples that are skipped elsewhere."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    public = {f"starburst.{name}": getattr(starburst, name) for name in starburst.__all__}
    more = {"starburst": starburst, "starburst.joblib": starburst.joblib, "starburst.Told": Told}
    for name, each in (public | more).items():
        of_module = (starburst.data, starburst.home)
        for test in finder.find(each, name, module=each if each in of_module else False, globs={}):
            if [each for each in test.examples if each.options.pop(doctest.SKIP, False)]:
                yield test


class Checker(doctest.OutputChecker):
    """Compares as pages are compared; what an example does not say is not compared."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        plain = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d|genomics|alice|…", "...", want)
        return not want or super().check_output(plain, got, optionflags)


TESTS: Final = {test.name: test for test in found()}


@pytest.fixture(scope="module")
def names(reachable: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What examples take for granted, as a script has it, and one session for all of them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("examples"))
        exec(PREPARE, names)  # noqa: S102 - our own
        starburst.data.put("cohort/")
        names["path"] = starburst.data.put(bytes(1024), "kilobyte")
        with starburst.session(progress=False) as session:
            session.map(names["read"], range(9))
            session.collect()
            names["session"] = session
            yield names


@pytest.mark.parametrize("name", some(name for name in TESTS if name not in NOT_RUN))
def test_an_example_gives_what_it_says(name: str, names: dict[str, Any]) -> None:
    if name.startswith("starburst.home"):
        starburst.home.put("survival.png", "figures/")
    for file in ("age.png", "sex.png") if name.endswith("home.rm") else ():
        starburst.home.put(b"", f"figures/{file}")
    if name.startswith("starburst.data"):  # examples and pages of this run put and remove others
        if [*starburst.data.ls("cohort")]:
            starburst.data.rm("cohort", recursive=True)
        starburst.data.put("cohort/")
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = TESTS[name]
    test.globs = dict(names)
    result = doctest.DocTestRunner(Checker(), optionflags=flags).run(
        test, out=said.append, clear_globs=False
    )
    assert result.attempted == len(test.examples)
    assert not result.failed, "".join(said)


def test_what_is_not_run_is_there() -> None:
    assert set(NOT_RUN) <= set(TESTS)
    assert {"starburst.map", "starburst.Session.map", "starburst.data.put"} <= set(TESTS)

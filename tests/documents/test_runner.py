"""The runner of pages notices what is wrong with a page."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.documents.blocks import blocks_of, commands_of
from tests.documents.running import WrongPage, run_page


def python(code: str, prints: str = "") -> str:
    return f"```python\n{code}\n```\n\n" + (f"```text\n{prints}\n```\n" if prints else "")


SETUP = "<!-- setup\nx = 1\n-->\n\n"
NOT_RUN = "<!-- not run: it needs AWS -->\n\n"
ROOT = "raise ValueError('no')"
RAISED = "Traceback (most recent call last):\n  ...\nValueError: no"


@pytest.mark.parametrize(
    "page",
    [
        python("print('a')"),
        python("print('a')", "a"),
        python("print('abc')\nprint('d')", "a…\nd"),
        python("print('abc')\nprint('d')", "a..."),
        python("x = 1") + python("print(x)", "1"),
        SETUP + python("print(x)", "1"),
        NOT_RUN + python("import no_such_module"),
        python("class A:\n    pass\n\n\nassert A.__module__ == '__main__'"),
        python("with open('a.txt', 'w') as file:\n    file.write('a')"),
        python(ROOT, RAISED),
        "1. A list\n\n   ```python\n   print('a')\n   ```\n\n   ```text\n   a\n   ```\n",
        python("print('a')") + "It prints:\n\n```text\nb\n```\n",
        "```sh\nno python\n```\n",
    ],
)
def test_a_right_page_passes(page: str, tmp_path: Path) -> None:
    before = (Path.cwd(), dict(os.environ), sys.modules["__main__"], [*sys.path])
    run_page(page, "page.md", tmp_path, {})
    assert before == (Path.cwd(), dict(os.environ), sys.modules["__main__"], sys.path)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (python("print('a')", "b"), "page.md:2 prints something else"),
        (python("x = 1", "1"), "page.md:2 prints something else"),
        (python("print('a')\nprint('b')", "a"), "page.md:2 prints something else"),
        (python("print('ab')", "…a"), "page.md:2 prints something else"),
        (python(ROOT), "page.md:2 raises ValueError: no"),
        (python("x = 1") + python("y"), "page.md:6 raises NameError"),
        (python("print(x)") + SETUP, "page.md:2 raises NameError"),
        (python(ROOT, RAISED.replace("no", "yes")), "page.md:2 prints something else"),
        (python("raise SystemExit(0)"), "page.md:2 raises SystemExit"),
        (NOT_RUN + python("def f(:"), "page.md:4 does not compile"),
        (python("def f(:"), "page.md:2 does not compile"),
        (NOT_RUN + "Words between.\n\n" + python(ROOT), "page.md:6 raises ValueError"),
        (NOT_RUN + python("x = 1") + python(ROOT), "page.md:8 raises ValueError"),
        ("<!-- not run: -->\n\n" + python(ROOT), "page.md:4 raises ValueError"),
        ("> ```python\n> " + ROOT + "\n> ```\n", "page.md:2 raises ValueError"),
    ],
)
def test_a_wrong_page_fails(page: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WrongPage) as wrong:
        run_page(page, "page.md", tmp_path, {})
    assert str(wrong.value).startswith(said)


def test_a_traceback_shows_the_line_of_the_page(tmp_path: Path) -> None:
    prints = 'Traceback (most recent call last):\n...page.py", line 8, in f\n    1 / 0\n...'
    run_page(
        "# Title\n\nWords.\n\n" + python("\ndef f():\n    1 / 0\n\n\nf()", prints),
        "p",
        tmp_path,
        {},
    )


def test_a_reason_is_read_over_several_lines() -> None:
    [block] = blocks_of("<!-- not run: it needs\nAWS -->\n\n" + python("x = 1"))
    assert (block.kind, block.reason, block.line) == ("not run", "it needs AWS", 5)


def test_commands_are_found() -> None:
    page = """
```
starburst data ls cohort   # what is there
make test
starburst attach 4f0c… && starburst collect <id> --out r.parquet | jq .
```

```console
$ starburst sessions \\
    --json
starburst says something
```

```text
starburst prod/genomics: 1/2
```
"""
    assert commands_of(page) == [
        ["data", "ls", "cohort"],
        ["attach", "4f0c…"],
        ["collect", "id", "--out", "r.parquet"],
        ["sessions", "--json"],
    ]

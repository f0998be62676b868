"""Write ``docs/tutorial.ipynb`` from ``docs/tutorial.md``: ``python -m deploy.tools.tutorial``.

The page is the source: its Python becomes the notebook's cells, what it shows as printed their
outputs, and all else text. A test runs the notebook and compares what it prints.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any, Final

from markdown_it import MarkdownIt

from deploy.tools.cdk import ROOT

__all__ = ["main", "notebook", "notebook_text"]

_PAGE: Final = ROOT / "docs/tutorial.md"
_NOTEBOOK: Final = ROOT / "docs/tutorial.ipynb"
_BELOW: Final = re.compile(r"\]\(tutorial\.ipynb\)")
"""The page's link to its notebook, which there leads back to the page."""


def notebook(page: str) -> dict[str, Any]:
    r"""Return a page as a notebook in Jupyter's form 4.5.

    Example:
        >>> cells = notebook("# One\n\n```python\nprint(1)\n```\n\n```text\n1\n```")["cells"]
        >>> [(cell["cell_type"], cell["source"]) for cell in cells]
        [('markdown', '# One'), ('code', 'print(1)')]
        >>> cells[1]["outputs"][0]["text"]
        '1\n'
    """
    cells = [
        {"id": f"cell-{number}", **cell}
        for number, cell in enumerate(_cells(_BELOW.sub("](tutorial.md)", page)))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def notebook_text() -> str:
    """Return the text of ``docs/tutorial.ipynb`` for the page as it is."""
    made = notebook(_PAGE.read_text(encoding="utf-8"))
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _cells(page: str) -> list[dict[str, Any]]:
    lines, done = page.splitlines(), 0
    cells: list[dict[str, Any]] = []
    for token in MarkdownIt("commonmark").parse(page):
        if token.type != "fence" or token.map is None:
            continue
        between = "\n".join(lines[done : token.map[0]]).strip()
        if token.info == "python":
            cells += [*_text(between), _code(token.content.rstrip("\n"))]
            done = token.map[1]
        elif token.info == "text" and not between and cells:  # what the cell above prints
            cells[-1]["outputs"] = [
                {"name": "stdout", "output_type": "stream", "text": token.content}
            ]
            done = token.map[1]
    return [*cells, *_text("\n".join(lines[done:]).strip())]


def _text(source: str) -> list[dict[str, Any]]:
    return [{"cell_type": "markdown", "metadata": {}, "source": source}] if source else []


def _code(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the notebook."""
    parser = argparse.ArgumentParser(prog="python -m deploy.tools.tutorial", description=__doc__)
    parser.parse_args(arguments)
    _NOTEBOOK.write_text(notebook_text(), encoding="utf-8")


if __name__ == "__main__":
    main()

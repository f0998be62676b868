"""Say what of the pages' code is not run, and why: ``python -m tests.documents``."""

from __future__ import annotations

import sys

from tests.documents.blocks import blocks_of
from tests.documents.test_pages import PAGES


def main() -> None:
    """Print the list and the counts."""
    every = [(path, block) for path, text in PAGES.items() for block in blocks_of(text)]
    left = [(path, block) for path, block in every if block.kind == "not run"]
    for path, block in left:
        sys.stdout.write(f"{path}:{block.line}: {block.reason}\n")
    run = sum(block.kind == "run" for _, block in every)
    sys.stdout.write(f"{run} blocks of Python run; {len(left)} only compile\n")


if __name__ == "__main__":
    main()

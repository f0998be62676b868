"""The command ``python -m deploy.evidence.verify FOLDER --fingerprint SHA256:…``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.evidence.signing import SigningError, verify
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Check signature and every file; return 1 where something is not as it was signed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.evidence.verify", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fingerprint", help="of the key that you trust")
    parser.add_argument("--public-key", type=Path, metavar="FILE", help="the key itself, as PEM")
    words = parser.parse_args(arguments)
    try:
        mark = verify(words.folder, trusted=words.fingerprint, public_key=words.public_key)
    except SigningError as error:
        tell(one_line(error), sys.stderr)
        return 1
    tell(one_line(f"{words.folder} is whole, as {mark} signed it"), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())

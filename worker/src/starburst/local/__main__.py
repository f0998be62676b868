"""``python -m starburst.local -- CMD`` does what ``starburst local -- CMD`` does."""

from __future__ import annotations

import sys

from starburst.errors import StarburstError

from .running import run

__all__ = ["main"]

_FAILED, _INTERRUPTED = 1, 130


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name; return its exit code."""
    try:
        return run(arguments)
    except StarburstError as error:
        print(f"starburst: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

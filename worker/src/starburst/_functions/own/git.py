"""What git ignores, as git itself says it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from starburst.errors import ConfigurationError

__all__ = ["ignored"]

_SECONDS: Final = 60


def ignored(paths: Iterable[str]) -> set[str]:
    """Return which of some files git ignores; none of those that are in no repository.

    Raises:
        ConfigurationError: some are in one, and git cannot be asked.
    """
    found: set[str] = set()
    by_repository: dict[str, list[str]] = {}
    for path in paths:
        repository = _repository(os.path.dirname(path))
        if repository is not None:
            by_repository.setdefault(repository, []).append(path)
    for repository, inside in by_repository.items():
        found.update(_asked(repository, inside))
    return found


def _asked(repository: str, paths: list[str]) -> Iterator[str]:
    # What is tracked is not ignored, whatever the patterns say: git looks at its index for that.
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=", "-C", repository]
    relative = {os.path.relpath(path, repository): path for path in paths}
    try:
        done = subprocess.run(  # noqa: S603 - git, on paths that it gets as data
            [*command, "check-ignore", "-z", "--stdin"],
            input=b"".join(os.fsencode(path) + b"\0" for path in relative),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(
            f"{repository} is a git repository, and git cannot be asked what it ignores there: "
            f"{error}. Install git, so that nothing travels that it ignores."
        ) from error
    if done.returncode not in (0, 1):
        said = done.stderr.decode(errors="replace").strip()
        raise ConfigurationError(f"git does not say what it ignores in {repository}: {said}")
    yield from (relative[os.fsdecode(path)] for path in done.stdout.split(b"\0") if path)


@cache
def _repository(folder: str) -> str | None:
    start = Path(folder)
    for each in (start, *start.parents):
        if (each / ".git").exists():
            return str(each)
    return None

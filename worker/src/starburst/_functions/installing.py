"""The files of own modules where they are needed: put into a folder, and importable from it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from starburst._protocol.sealed.code.functions import is_safe
from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError, UnpicklableInput

__all__ = ["install"]


def install(
    folder: str, paths: Sequence[str], contents: Sequence[Buffer], *, entries: Sequence[str]
) -> None:
    """Write files below a folder, and have modules imported from some of its folders first.

    Args:
        folder: of all files; nobody else may write there.
        paths: of the files, below it.
        contents: of the files.
        entries: folders below it, the first ones first.

    Raises:
        IntegrityError: a path leads elsewhere.
        UnpicklableInput: what an own module is called was imported from elsewhere before.
    """
    for path in (*paths, *entries):
        if not is_safe(path):
            raise IntegrityError(f"{path!r:.80} leads out of the folder of its modules")
    for path, content in zip(paths, contents, strict=True):
        place = Path(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.write(content)
    wanted = [os.path.join(folder, entry) for entry in entries]
    _check_names(folder, wanted)
    ours = [entry for entry in sys.path if entry.startswith(folder)]
    others = [entry for entry in sys.path if not entry.startswith(folder)]
    sys.path[:] = [*wanted, *(entry for entry in ours if entry not in wanted), *others]
    importlib.invalidate_caches()


def _check_names(folder: str, entries: Sequence[str]) -> None:
    for entry in entries:
        for found in Path(entry).iterdir():
            name = found.name.partition(".")[0]
            file = getattr(sys.modules.get(name), "__file__", None)
            elsewhere = file is not None and not file.startswith(folder)
            if elsewhere and _is_imported_first(found):
                raise UnpicklableInput(
                    f"your own module {name} has the name of one that every worker has "
                    f"imported ({file}); call yours by another name"
                )


def _is_imported_first(found: Path) -> bool:
    """Whether an import takes this; a folder without ``__init__.py`` only where nothing else is."""
    return found.suffix == ".py" or (found / "__init__.py").is_file()

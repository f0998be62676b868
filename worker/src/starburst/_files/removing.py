"""Removing files: what they held stays as an older version while the bucket keeps those."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import AccessDenied, ConfigurationError, SessionError
from starburst.untrusted.terminal_text import one_line

from .listing import files_below
from .names import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .places import Place

__all__ = ["remove"]

_PER_CALL: Final = 1_000


def remove(place: Place, name: str, *, recursive: bool) -> int:
    """Remove a file, or with ``recursive`` a folder; return how many files.

    Raises:
        AccessDenied: the person may not.
        ConfigurationError: it is a folder, and ``recursive`` was not said.
        DataNotFound: there is nothing.
    """
    with place.errors(f"look for {place.path(name)}"):
        alone = bool(name) and not name.endswith(FOLDER) and place.has(name)
    below = files_below(place, name)
    if not recursive:
        if alone:
            with place.errors(f"remove {place.path(name)}", changes=True):
                place.s3.delete_object(Bucket=place.bucket, Key=place.key(name))
            return 1
        if next(below, None) is None:
            raise place.missing(name)
        raise ConfigurationError(
            f"{place.path(name)} is a folder: pass recursive=True (-r) to remove all that is in it"
        )
    names = itertools.chain([name] if alone else [], (each.name for each in below))
    count = _remove_all(place, names, said=place.path(name))
    if not count:
        raise place.missing(name)
    return count


def _remove_all(place: Place, names: Iterator[str], *, said: str) -> int:
    count = 0
    while batch := list(itertools.islice(names, _PER_CALL)):
        # A name with a control character would make the XML of a batch malformed.
        odd = [each for each in batch if not each.isprintable()]
        plain = [each for each in batch if each.isprintable()]
        with place.errors(f"remove {said}", changes=True):
            for each in odd:
                place.s3.delete_object(Bucket=place.bucket, Key=place.key(each))
            if plain:
                keys: Any = {"Objects": [{"Key": place.key(each)} for each in plain], "Quiet": True}
                answer = place.s3.delete_objects(Bucket=place.bucket, Delete=keys)
                _check(place, answer.get("Errors", []), said=said, before=count + len(odd))
        count += len(batch)
    return count


def _check(place: Place, errors: Any, *, said: str, before: int) -> None:  # noqa: ANN401 - S3's
    if not errors:
        return
    first = errors[0]
    if first.get("Code") == "AccessDenied":
        raise AccessDenied(f"cannot remove {said}: {place.forbids}")
    raise SessionError(
        f"cannot remove {one_line(first.get('Key', said))}: S3 answered "
        f"{one_line(first.get('Code', ''))}: {one_line(first.get('Message', ''))}. {before:,} "
        "files are removed; remove the rest again in a minute"
    )

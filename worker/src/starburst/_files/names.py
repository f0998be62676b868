"""What files in a workspace's data, or in a home, may be called."""

from __future__ import annotations

import re
from typing import Final

from starburst.errors import ConfigurationError

__all__ = ["FOLDER", "MOST_BYTES", "as_folder", "checked", "is_safe"]

FOLDER: Final = "/"
"""What the name of a folder ends with."""

MOST_BYTES: Final = 1_024
"""Of a whole key, in UTF-8.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

_PARTS: Final = {"": "it has an empty part"} | dict.fromkeys(
    (".", ".."), "'.' and '..' lead elsewhere on a disk, and nowhere in S3"
)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


def checked(name: object, *, prefix: str, bucket: str, whole: bool = False) -> str:
    """Return a name as it stands behind the prefix; a path of this place is taken as its name.

    Args:
        name: of a file; of a folder, with its closing slash or without.
        prefix: of the place, with its closing slash.
        bucket: the place's.
        whole: whether the empty name may stand for the whole place.

    Raises:
        ConfigurationError: it could not be the name of a file, or leads elsewhere.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f"{name!r} is no name (text) of a file, such as 'cohort/a.csv'")
    name = _without_place(name, f"s3://{bucket}/{prefix}")
    if not name:
        if whole:
            return name
        raise ConfigurationError("an empty name names no file; say which, such as 'cohort/a.csv'")
    fault = _fault(name, prefix)
    if fault:
        raise ConfigurationError(f"{name!r} cannot be the name of a file: {fault}")
    return name


def is_safe(name: str) -> bool:
    r"""Whether a name that somebody stored may become a file's name below a folder here.

    Example:
        >>> is_safe("a/b.csv"), is_safe("../b.csv"), is_safe("a//b"), is_safe("c:\\b")
        (True, False, False, False)
    """
    return "\\" not in name and ":" not in name and not _fault(name, "")


def as_folder(name: str) -> str:
    """Return a folder's name with its closing slash; the whole place keeps its empty name."""
    return name if not name or name.endswith(FOLDER) else name + FOLDER


def _without_place(name: str, place: str) -> str:
    if not name.startswith("s3://"):
        return name
    if name.startswith(place):
        return name.removeprefix(place)
    raise ConfigurationError(
        f"{name} is not below {place}. Only what is there is reached here; what another bucket "
        "holds is read by its own path, if the environment's settings name it (reads=)"
    )


def _fault(name: str, prefix: str) -> str:
    if name.startswith(FOLDER):
        return "it begins with a slash, and names have no root"
    for part in name.removesuffix(FOLDER).split(FOLDER):
        if part in _PARTS:
            return _PARTS[part]
    if _CONTROL.search(name):
        return "it holds a control character"
    try:
        size = len(f"{prefix}{name}".encode())
    except UnicodeEncodeError:
        return "it is no text that UTF-8 has"
    if size > MOST_BYTES:
        return f"with its place {prefix} it has {size:,} bytes, and S3 allows {MOST_BYTES:,}"
    return ""

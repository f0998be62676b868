"""Whether a function is loaded with the libraries that it was pickled with.

Where a library has other insides than a pickle was made for, loading it raises what nobody
understands, or makes a wrong value in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starburst.contract.series import series
from starburst.errors import VersionMismatch

__all__ = ["compare"]

_OWN: Final = frozenset(
    {"starburst", "boto3", "botocore", "cffi", "cloudpickle", "cryptography", "fsspec"}
    | {"jmespath", "msgpack", "pycparser", "python-dateutil", "s3transfer", "six", "tqdm"}
    | {"urllib3", "zstandard"}
)
"""Starburst and what it needs are the image's: packages that travel cannot change that."""


def compare(versions: Mapping[str, str]) -> None:
    """Refuse to load what was pickled with other libraries than there are here.

    The first two numbers of a version count: libraries mend faults in the third.

    Args:
        versions: what the client had, by normalized names.

    Raises:
        VersionMismatch: names each that is another or lacks, both versions, and what to do.
    """
    told = []
    for name, theirs in versions.items():
        ours = None if name in _OWN else _installed(name)
        if name not in _OWN and (ours is None or series(ours) != series(theirs)):
            there = f"{ours} on this worker" if ours else "none on this worker"
            told.append(f"{name} {theirs} at the client and {there}")
    if told:
        raise VersionMismatch(
            f"the function or its input was pickled with {'; '.join(told)}: have yours travel with "
            "packages=, install the workers' version at the client, or ask for an image that has "
            "yours"
        )


def _installed(name: str) -> str | None:
    import importlib.metadata  # noqa: PLC0415 - of many parts, and most functions bring no package

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

"""Erasing every version below a prefix, whatever the objects there are called.

A name with a control character makes the XML of a whole batch malformed, so such names are deleted
one by one, where they travel in the URL. What S3 refuses holds nothing else up: all the rest is
erased first, and what stays is returned with S3's reason.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from starburst.untrusted.terminal_text import one_line

from .calls import CONNECTIONS, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

__all__ = ["ONE_NAMES_TROUBLE", "Erased", "Kept", "erase_below", "is_one_names_trouble", "told"]

_Version: TypeAlias = tuple[str, str]
"""Key and version id."""

ONE_NAMES_TROUBLE: Final = (ClientError, ParamValidationError, ResponseParserError, UnicodeError)
"""What a call may raise because of the name that it is about; ask is_one_names_trouble."""

_PER_CALL: Final = 1000
_PASSES: Final = 20
"""Looks for what was written meanwhile, and for what S3 was too busy to delete."""

_BUSY_PASSES: Final = 6
_FIRST_PAUSE: Final = 0.1
_SERVER_ERROR: Final = 500
_CARRIED: Final = re.compile(
    "[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufffc\U00010000-\U0010fffd]+"
)
"""Names that XML carries as they are: no control character, also none that XML 1.0 has but reads
as another (a carriage return) and no end of a line; nothing that is no character."""

_LOCKED: Final = frozenset({"AccessDenied", "403"})
"""How S3 says of one version that Object Lock keeps it."""

_TOLD_TWICE: Final = 2
_PRETENDED: Final = ("listed still", "S3 says that it is deleted, and lists it still")
_LATE: Final = ("written while it was erased", "a writer is still active below the prefix")
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_BUSY: Final = frozenset(
    {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
)
"""What S3 says of single objects of a deletion while it is busy; botocore repeats none of them."""

_WHOLE: Final = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AllAccessDisabled",
        "403",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "NoSuchBucket",
        "RequestExpired",
        "RequestTimeTooSkewed",
    }
)
"""What no other name would change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A version that stayed.

    Attributes:
        key: of its object, as S3 lists it: not fit for a terminal.
        version: its id.
        reason: S3's code, or ours.
        words: S3's words.
    """

    key: str
    version: str
    reason: str
    words: str

    def __str__(self) -> str:
        """Return name and reason, fit for a line on a terminal."""
        return one_line(f"{self.key} (version {self.version}): {self.reason}: {self.words}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What erasing came to.

    Attributes:
        gone: how many versions and delete markers were erased.
        kept: those that stayed.
    """

    gone: int
    kept: tuple[Kept, ...]


def erase_below(
    s3: S3Client,
    bucket: str,
    prefixes: Sequence[str],
    *,
    spared: Callable[[str], bool] = lambda _: False,
) -> Erased:
    """Delete every version and delete marker below prefixes, also what is written meanwhile.

    Args:
        s3: may delete them.
        bucket: where.
        prefixes: what their keys begin with.
        spared: tells of a key whether its versions stay.

    Raises:
        ClientError, BotoCoreError: what no name could have caused, such as expired credentials.
    """
    gone: Counter[_Version] = Counter()
    """How often S3 has said of each that it is deleted."""
    kept: dict[_Version, Kept] = {}
    busy: list[Kept] = []
    waits = 0
    for _ in range(_PASSES):
        found, busy = False, []
        for page in _pages(s3, bucket, prefixes, spared):
            new = [one for one in page if one not in kept]
            found = found or bool(new)
            kept.update((one, _kept(one, *_PRETENDED)) for one in new if gone[one] == _TOLD_TWICE)
            failed = _together(s3, bucket, [one for one in new if not gone[one]])
            # What is listed still, S3 has heard as another name: alone, it travels in another way.
            failed += _alone(s3, bucket, [one for one in new if gone[one] == 1])
            stayed = {(one.key, one.version) for one in failed}
            gone.update(one for one in new if one not in stayed and one not in kept)
            busy += [one for one in failed if one.reason in _BUSY]
            kept.update(_by_version(one for one in failed if one.reason not in _BUSY))
        if not found:
            break
        if busy:
            waits += 1
            if waits == _BUSY_PASSES:
                break
            time.sleep(_FIRST_PAUSE * 2**waits)
    else:
        page_after = (one for page in _pages(s3, bucket, prefixes, spared) for one in page)
        kept.update((one, _kept(one, *_LATE)) for one in page_after if one not in kept)
    kept.update(_by_version(busy))
    return Erased(gone=len(gone.keys() - kept.keys()), kept=tuple(kept.values()))


def is_one_names_trouble(error: Exception) -> bool:
    """Whether what a call raised may be about the one name that it was about, and no other."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) not in _WHOLE | _BUSY and status < _SERVER_ERROR
    return isinstance(error, ONE_NAMES_TROUBLE)


def told(kept: Sequence[Kept], *, most: int = 5) -> str:
    r"""Return names and reasons in a line, so many of them, and how many more there are.

    Example:
        >>> told([Kept(key="a\x1b", version="1", reason="InvalidArgument", words="no")] * 3, most=1)
        'a\\x1b (version 1): InvalidArgument: no; and 2 more'
    """
    words = [str(one) for one in kept[:most]]
    return "; ".join([*words, f"and {len(kept) - most:,} more"] if len(kept) > most else words)


def _pages(
    s3: S3Client, bucket: str, prefixes: Sequence[str], spared: Callable[[str], bool]
) -> Iterator[list[_Version]]:
    pages = s3.get_paginator("list_object_versions")
    for prefix in prefixes:
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            listed: list[Any] = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            versions = ((entry["Key"], entry["VersionId"]) for entry in listed)
            yield [one for one in versions if not spared(one[0])]


def _together(s3: S3Client, bucket: str, versions: Sequence[_Version]) -> list[Kept]:
    """Delete versions by as few calls as their names allow; return those that stayed."""
    carried = [one for one in versions if _CARRIED.fullmatch(one[0])]
    failed = _alone(s3, bucket, [one for one in versions if not _CARRIED.fullmatch(one[0])])
    for start in range(0, len(carried), _PER_CALL):
        failed += _batch(s3, bucket, carried[start : start + _PER_CALL])
    return failed


def _batch(s3: S3Client, bucket: str, versions: Sequence[_Version]) -> list[Kept]:
    objects: list[ObjectIdentifierTypeDef] = [
        {"Key": key, "VersionId": version} for key, version in versions
    ]
    try:
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    except ONE_NAMES_TROUBLE as error:
        if is_one_names_trouble(error):
            return _alone(s3, bucket, versions)
        if code := _busy(error):
            return [_kept(one, code, str(error)) for one in versions]
        raise
    known = {(key, ""): (key, version) for key, version in versions}
    known |= {one: one for one in versions}
    return [
        _kept(known[place], error.get("Code", ""), error.get("Message", ""))
        for error in answer.get("Errors", ())
        # One whose name came back as another is listed again.
        if (place := (error.get("Key", ""), error.get("VersionId", ""))) in known
    ]


def _alone(s3: S3Client, bucket: str, versions: Sequence[_Version]) -> list[Kept]:
    """Delete versions by a call for each; return those that stayed."""

    def one(version: _Version) -> Kept | None:
        try:
            s3.delete_object(Bucket=bucket, Key=version[0], VersionId=version[1])
        except ONE_NAMES_TROUBLE as error:
            code = code_of(error) if isinstance(error, ClientError) else type(error).__name__
            if code in _GONE:
                return None
            if is_one_names_trouble(error) or code in _LOCKED:
                return _kept(version, code, _words(error))
            if busy := _busy(error):
                return _kept(version, busy, _words(error))
            raise
        return None

    if not versions:
        return []
    with ThreadPoolExecutor(min(CONNECTIONS, len(versions))) as pool:
        return [failed for failed in pool.map(one, versions) if failed is not None]


def _busy(error: Exception) -> str:
    """Return S3's word for its being busy; empty where that is not it."""
    if not isinstance(error, ClientError):
        return ""
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code if code in _BUSY else "InternalError" if status >= _SERVER_ERROR else ""


def _words(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", ""))
    return str(error)


def _kept(version: _Version, reason: str, words: str) -> Kept:
    return Kept(key=version[0], version=version[1], reason=reason, words=words)


def _by_version(kept: Iterable[Kept]) -> dict[_Version, Kept]:
    return {(one.key, one.version): one for one in kept}

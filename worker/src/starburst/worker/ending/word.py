"""The controller's word of a session, as far as a worker's life depends on it: ``status.json``.

The controller alone may write it, which is proved of every deployment, so it needs no signature.
Of a status only what is read here must be as it is today: a controller of a later release may say
more in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._protocol.status import SessionState
from starburst.aws.calls import code_of
from starburst.contract import SessionKeys, speaks_protocol
from starburst.untrusted.strict_json import Moment, fill, known_fields, read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Told", "Word"]

_MOST_BYTES: Final = 65_536
_UNCHANGED: Final = frozenset({"304", "NotModified"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """What a worker reads of its session's status.

    Attributes:
        session: whose status it is.
        state: ``ended`` and ``failed`` are final.
        deadline: seconds since the epoch, by the controller's clock.
    """

    session: str
    state: SessionState
    deadline: Moment

    @property
    def final(self) -> bool:
        """Whether the session has ended."""
        return self.state in ("ended", "failed")

    @classmethod
    def from_json(cls, text: bytes) -> Word:
        """Read it; raise ValueError where it is malformed, or another protocol's."""
        said = read_object(text)
        if not speaks_protocol(said.get("protocol")):
            raise ValueError("status has another protocol version")
        return fill(cls, known_fields(cls, said))


class Told:
    """What the controller has said of one session.

    Args:
        s3: with the worker role's credentials; one that does not wait for long.
        bucket: the data bucket.
        keys: the session.
    """

    def __init__(self, s3: S3Client, bucket: str, *, keys: SessionKeys) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._etag = ""

    def look(self) -> Word | None:
        """Return what is new; None where nothing is.

        Raises:
            ClientError, BotoCoreError: S3 refuses it or does not answer; there may be none yet.
            ValueError: what is there is no status of this session.
        """
        known = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._keys.status, **known)  # type: ignore[arg-type]
        except ClientError as error:
            if code_of(error) in _UNCHANGED:
                return None
            raise
        word = Word.from_json(answer["Body"].read(_MOST_BYTES))
        if word.session != self._keys.session:
            raise ValueError("status is of another session")
        self._etag = answer["ETag"]
        return word

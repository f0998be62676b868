"""What a kind of unkindness sees of a call, and what it may do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Answer", "Call", "Kind", "Refused"]

Answer = dict[str, Any]
"""What a call returns, by the names of AWS's model."""

_BAD_REQUEST: Final = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call on its way to AWS.

    Attributes:
        service: as botocore names it.
        operation: as AWS's model names it.
        words: its parameters, by the names of AWS's model.
        caller: the role that makes it.
        at: the time, in seconds.
        may_list: whether the caller may list the whole bucket; for S3 only.
        expires: when the caller's credentials end, in seconds; None where they never do.
    """

    service: str
    operation: str
    words: Mapping[str, Any]
    caller: str
    at: float
    may_list: bool = False
    expires: float | None = None

    def text(self, name: str) -> str:
        """Return a parameter as text; empty where there is none."""
        found = self.words.get(name)
        return found if isinstance(found, str) else ""


class Refused(Exception):
    """AWS answered with an error.

    Args:
        code: as AWS writes it into the answer.
        message: likewise.
        status: of HTTP.
        query_code: the older code that SQS sends in a header beside the new one.
        fields: what else is in the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = _BAD_REQUEST,
        query_code: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code
        self.fields = dict(fields or {})


class Kind:
    """One kind of unkindness: by itself it does nothing.

    It may keep what it saw; nobody calls it from two threads at once.
    """

    def before(self, call: Call) -> Answer | None:
        """Let a call through with None, or answer it in AWS's place.

        Raises:
            Refused: AWS refuses it.
        """
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Return the answer as AWS would give it."""
        return answer

    def failed(self, call: Call, refused: Refused) -> Refused:
        """Return the error as AWS would give it."""
        return refused

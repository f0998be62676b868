"""Ask AWS one thing at a time: what it refuses is kept as unread, and keeps nothing else unread."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from starburst.aws.calls import TROUBLE, code_of, words_of
from starburst_assurance.proofs.deployed.reading.account import Document, Unread

__all__ = ["Asking", "Clients", "as_document"]

Clients: TypeAlias = Callable[[str], Any]
"""Makes the client of a service by boto3's name of it."""

_ABSENT: Final = frozenset(
    {
        *("NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration", "NoSuchEntity"),
        *("OwnershipControlsNotFoundError", "ResourceNotFoundException", "NoSuchBucket"),
        *("RepositoryPolicyNotFoundException", "RepositoryNotFoundException", "NotFound"),
        *("NotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
        *("NonExistentQueue", "InvalidVpcEndpointId.NotFound", "NotFoundException"),
    }
)
"""How AWS says that there is no such resource, or that it has no such policy."""


@dataclass(kw_only=True)
class Asking:
    """Calls that only read, and what of them was not answered.

    Attributes:
        clients: of whoever asks.
        unread: what was not answered so far.
    """

    clients: Clients
    unread: list[Unread] = field(default_factory=list)
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def client(self, service: str) -> Any:
        """Return the client of a service, made once."""
        if service not in self._made:
            self._made[service] = self.clients(service)
        return self._made[service]

    def answer(self, action: str, what: str, call: Callable[[], Any]) -> Any:
        """Return what a call returns; None where there is no such thing, or no answer.

        Args:
            action: as IAM names it, such as ``s3:GetBucketPolicy``.
            what: it is about.
            call: makes it.
        """
        with self.noting(action, what):
            return call()
        return None

    @contextmanager
    def noting(self, action: str, what: str) -> Iterator[None]:
        """Go on where AWS has no such thing; note where it gives no answer."""
        try:
            yield
        except TROUBLE as error:
            if code_of(error) not in _ABSENT:
                self.unread.append(Unread(call=action, what=what, why=words_of(error)))

    def pages(self, service: str, operation: str, **given: Any) -> Iterator[Any]:
        """Yield the pages of an operation that has some."""
        yield from self.client(service).get_paginator(operation).paginate(**given)


def as_document(text: Any) -> Document:
    """Return a policy as AWS gives it: parsed, as JSON, or as JSON that is quoted for an address.

    Example:
        >>> as_document('%7B%22Statement%22%3A%5B%5D%7D')
        {'Statement': []}
    """
    if not isinstance(text, str):
        return text
    found: Document = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    return found

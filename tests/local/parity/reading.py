"""How a deployed resource is read back: one reader a type, in CloudFormation's own words."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import boto3
from botocore.exceptions import ClientError

from starburst.local import LocalEnvironment
from tests.local.raw import Door

__all__ = ["READERS", "Held", "Services", "document", "reads", "tags", "unlowered"]

Properties = Mapping[str, Any]
Held = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Clients of the platform's role, and what one answer tells of many resources."""

    local: LocalEnvironment
    clients: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.local.client(self.session, service)
        return self.clients[service]

    @functools.cached_property
    def session(self) -> boto3.Session:
        return self.local.platform_session()

    @functools.cached_property
    def door(self) -> Door:
        """Where requests go that no SDK makes."""
        return Door(self.local.endpoint)

    def close(self) -> None:
        """Close the door, where it was opened."""
        if "door" in self.__dict__:
            self.door.close()

    def optional(self, service: str, operation: str, *absent: str, **request: Any) -> Held:
        """Return an answer; an empty one where an error code says that nothing is set."""
        try:
            answer: Held = getattr(self[service], operation)(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in absent:
                raise
            return {}
        return answer


Reader = Callable[[Services, str, Properties], Held]
READERS: dict[str, Reader] = {}
"""By type: takes the physical id, and the properties that say where to look."""


def reads(kind: str) -> Callable[[Reader], Reader]:
    def register(reader: Reader) -> Reader:
        READERS[kind] = reader
        return reader

    return register


def document(text: Any) -> Any:
    """Return a policy as a document, whether an SDK has read it or not."""
    if not isinstance(text, str) or not text:
        return text or None
    return json.loads(text if text.lstrip().startswith("{") else unquote(text))


_KEYS = ("Key", "key", "TagKey")
_VALUES = ("Value", "value", "TagValue")


def _one(tag: Mapping[str, str], *names: str) -> str:
    return next(tag[name] for name in names if name in tag)


def tags(found: Iterable[Mapping[str, str]] | Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as templates write them, without CloudFormation's own."""
    if isinstance(found, Mapping):
        pairs = [(str(key), str(value)) for key, value in found.items()]
    else:
        pairs = [(_one(each, *_KEYS), _one(each, *_VALUES)) for each in found]
    return [{"Key": key, "Value": value} for key, value in pairs if not key.startswith("aws:")]


def unlowered(value: Any) -> Any:
    """Return what ECS calls ``taskRoleArn`` as CloudFormation calls it, ``TaskRoleArn``."""
    if isinstance(value, list):
        return [unlowered(each) for each in value]
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: unlowered(each) for name, each in value.items()}
    return value

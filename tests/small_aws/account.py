"""A small AWS in memory: the SDK's own clients, whose calls are recorded, refused, and cut off.

Clients are botocore's: their methods, paginators and exceptions. What a call would send goes to a
service that is a Python object, so a command runs through in milliseconds, once for each call that
can fail.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from boto3.session import Session
from botocore import xform_name
from botocore.exceptions import ConnectionClosedError
from botocore.validate import validate_parameters

from tests.small_aws.errors import AwsError, client_error, denial, throttling

__all__ = ["REGION", "Call", "Fault", "Service", "SmallAws"]

REGION: Final = "eu-west-1"
Kind = Literal["refused", "throttled", "unanswered"]


class Service(Protocol):
    """One service: a method for each operation, by its name in Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it was made.

    Attributes:
        service: such as ``s3``.
        operation: such as ``PutObject``.
        words: its parameters.
    """

    service: str
    operation: str
    words: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Service and operation."""
        return f"{self.service}:{self.operation}"

    def __str__(self) -> str:
        """Return it in a line, without what it carries."""
        shown = {name: value for name, value in self.words.items() if name != "Body"}
        return f"{self.name} {shown}"[:200]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What one call meets.

    Attributes:
        call: which, counted from 0.
        kind: ``refused``, each time that this is asked; ``throttled``, the operation from here on;
            ``unanswered``, once, after it took effect.
    """

    call: int
    kind: Kind


@functools.cache
def _session() -> Session:
    return Session(region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")


@functools.cache
def _client(service: str) -> Any:
    make: Any = _session().client
    return make(service)


@dataclass
class SmallAws:
    """An account: it makes clients, as commands take it.

    Attributes:
        services: by name.
        fault: what one call meets, or None.
        calls: all that were made, whatever became of them.
        failed: those that met the fault.
        before: told each call before it takes effect.
        checked: whether parameters are held to botocore's models.
    """

    services: Mapping[str, Service]
    fault: Fault | None = None
    calls: list[Call] = field(default_factory=list)
    failed: list[Call] = field(default_factory=list)
    before: Callable[[Call], None] = lambda call: None
    checked: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __call__(self, service: str) -> Any:
        """Return the client of a service."""
        real = _client(service)
        client = object.__new__(type(real))
        vars(client).update(vars(real))
        client._make_api_call = functools.partial(self._answer, client, service)
        return client

    def _answer(self, client: Any, service: str, operation: str, words: dict[str, Any]) -> Any:
        call = Call(service=service, operation=operation, words=words)
        if self.checked:
            shape = client.meta.service_model.operation_model(operation).input_shape
            validate_parameters(words, shape)
        with self._lock:
            number = len(self.calls)
            self.calls.append(call)
            met = self._meets(number, call)
            if met:
                self.failed.append(call)
            self.before(call)
            answer = None
            try:
                if met == "refused":
                    raise denial(service, operation)
                if met == "throttled":
                    raise throttling(service)
                answer = getattr(self.services[service], xform_name(operation))(**words)
            except AwsError as error:
                if met != "unanswered":
                    raise client_error(client, service, operation, error) from None
        if met == "unanswered":  # whatever it was
            raise ConnectionClosedError(endpoint_url=f"https://{service}.{REGION}.amazonaws.com")
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, **(answer or {})}

    def _meets(self, number: int, call: Call) -> Kind | None:
        if self.fault is None or number < self.fault.call:
            return None
        if number == self.fault.call:
            return self.fault.kind
        if self.fault.kind == "unanswered" or not self.failed:
            return None
        first = self.failed[0]
        if call.name != first.name:
            return None
        if self.fault.kind == "throttled":
            return "throttled"
        same = _target(call) == _target(first)
        return "refused" if same else None


def _target(call: Call) -> Mapping[str, Any]:
    """Return what a call is about: not what it carries, nor which page it asks for."""
    carried = ("Body", "PolicyDocument", "KeyMarker", "VersionIdMarker", "Marker", "nextToken")
    return {name: value for name, value in call.words.items() if name not in carried}

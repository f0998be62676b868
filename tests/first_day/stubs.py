"""AWS as botocore's own models have it: what a stub answers or is asked must fit them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.stub import ANY, Stubber

from deploy.rehearsal.asking.ask_all import ask_all
from deploy.rehearsal.asking.check import Check, Finding
from deploy.rehearsal.asking.clock import Clock
from deploy.rehearsal.asking.subject import Resource, Subject
from deploy.rehearsal.derive import derive
from environments import DEV, LOCAL

NAME = "fdabc123"
ACCOUNT = DEV.account
REGION = DEV.region
BROKER = f"arn:aws:iam::{ACCOUNT}:role/admin"
THEN = datetime(2026, 11, 22, 12, tzinfo=UTC)
TRIAL = derive(DEV, name=NAME, broker_arn=BROKER, workers=4)
EMULATED = derive(LOCAL, name=NAME, broker_arn=LOCAL.identity.arn, workers=4)  # type: ignore[union-attr]


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
    )


SESSION = session()
"""One for all: it takes botocore seconds to read a model."""


class Stubs:
    """Clients whose answers were written down, in order; each must be asked for."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, Stubber]] = {}
        self.always: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service in self.always:
            return self.always[service]
        if service not in self._made:
            client = SESSION.client(service)  # type: ignore[call-overload]
            stubber = Stubber(client)
            stubber.activate()
            self._made[service] = client, stubber
        return self._made[service][0]

    def answers(
        self, service: str, operation: str, answer: Mapping[str, Any], **expected: Any
    ) -> Stubs:
        """Answer the next call of a service; it must be of this operation, with these words."""
        self(service)
        self._made[service][1].add_response(operation, dict(answer), expected or None)
        return self

    def refuses(
        self, service: str, operation: str, code: str, message: str = "", *, status: int = 400
    ) -> Stubs:
        """Refuse the next call of a service, as AWS does."""
        self(service)
        self._made[service][1].add_client_error(operation, code, message, http_status_code=status)
        return self

    def all_were_asked(self) -> None:
        for _, stubber in self._made.values():
            stubber.assert_no_pending_responses()

    def deployed(self, *resources: tuple[str, str, str], times: int = 1) -> Stubs:
        """Let CloudFormation tell one stack with resources of kind, logical and physical id."""
        for _ in range(times):
            self.answers(
                "cloudformation",
                "describe_stacks",
                {
                    "Stacks": [
                        stack("network"),
                        stack("other", environment="dev"),
                        stack("gone", status="DELETE_COMPLETE"),
                    ]
                },
            )
            self.answers(
                "cloudformation",
                "list_stack_resources",
                {
                    "StackResourceSummaries": [
                        {
                            "ResourceType": kind,
                            "LogicalResourceId": logical,
                            "PhysicalResourceId": physical,
                            "LastUpdatedTimestamp": THEN,
                            "ResourceStatus": "CREATE_COMPLETE",
                        }
                        for kind, logical, physical in resources
                    ]
                },
                StackName=f"starburst-{NAME}-network",
            )
        return self


def stack(part: str, *, environment: str = NAME, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    return {
        "StackName": f"starburst-{environment}-{part}",
        "StackStatus": status,
        "CreationTime": THEN,
    }


@dataclass
class Time:
    """Time that passes in sleeps alone."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: self.seconds,
            wall=lambda: THEN.timestamp() + self.seconds,
            sleep=self.sleep,
        )


def nobody() -> boto3.Session:
    raise AssertionError("no analyst is needed here")


def no_session(workers: int, seconds: int) -> Any:
    raise AssertionError("no session is needed here")


def subject(
    stubs: Callable[[str], Any],
    *,
    time: Time | None = None,
    analyst: Callable[[], boto3.Session] = nobody,
    opens: Callable[[int, int], Any] = no_session,
    workers: int = 4,
    has_workers: bool = True,
) -> Subject:
    return Subject(
        environment=TRIAL,
        clients=stubs,
        analyst=analyst,
        opens=opens,
        workers=workers,
        has_workers=has_workers,
        clock=(time or Time()).clock,
    )


def ask(check: Check, about: Subject, *, again: bool = False) -> Finding:
    """Ask one question, once unless it is to be asked again while AWS has not settled it."""
    [finding] = ask_all([check if again else replace(check, within=0)], about)
    return finding


class Fleet:
    """A client's session that does what it is told, without workers."""

    def __init__(self, *, results: Sequence[Any] = (), fails: Exception | None = None) -> None:
        self.results, self.fails = list(results), fails
        self.opened: list[tuple[int, int]] = []
        self.sent: list[Any] = []
        self.ended = False

    def opens(self, workers: int, seconds: int) -> Fleet:
        self.opened.append((workers, seconds))
        return self

    def map(self, function: Callable[[Any], Any], inputs: Sequence[Any]) -> list[Any]:
        self.sent += inputs
        return []

    def collect(self, timeout: float) -> list[Any]:
        if self.fails is not None:
            raise self.fails
        return self.results

    def status(self) -> Any:
        return SimpleNamespace(state="running", usd=0.01)

    def cleanup(self) -> Any:
        self.ended = True
        return SimpleNamespace(usd=0.02)


__all__ = ["ANY", "Fleet", "Resource", "Stubs", "Time", "ask", "subject"]

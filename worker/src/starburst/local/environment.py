"""The local environment as a value: start it, ask it, and take on its roles."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from starburst.contract import DATA_VARIABLE
from starburst.errors import LocalEnvironmentError

from .emulator import ACCOUNT, GAPS, OWN_SERVICE, REGION
from .roles import Purpose, create_users, person_session, platform_session, session
from .server import Server, read_json, start_server
from .state import State

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

__all__ = ["LocalEnvironment", "started"]

_ANSWER_SECONDS = 10.0
_started: list[LocalEnvironment] = []


def started() -> tuple[LocalEnvironment, ...]:
    """Return those that this process started and did not stop, the newest last."""
    return tuple(_started)


class LocalEnvironment:
    """An AWS account of one region on this machine, while it runs.

    Used as a context manager it starts and stops an emulator of its own. `current` gives one that
    another process owns; stopping that does nothing.

    Args:
        without: names of emulator patches to leave out (for tests of the patches).
        unkind: a seed of AWS's documented unkindness; `begin_unkindness` lets it begin.
        pace: how many of AWS's seconds pass for that in one of this machine's.
        strict: have workers see the packages of an image alone, and end them where they use more
            memory than they have.
        python: what strict workers run instead, such as a program that runs them in a real image.

    Example::

        with LocalEnvironment() as local:
            sts = local.client(local.platform_session(), "sts")
            print(sts.get_caller_identity()["Arn"])
    """

    def __init__(
        self,
        *,
        without: Iterable[str] = (),
        unkind: int | None = None,
        pace: float = 1.0,
        strict: bool = False,
        python: Path | None = None,
    ) -> None:
        self._without = tuple(without)
        self._strict = strict
        self._python = python
        self._unkind = None if unkind is None else {"seed": unkind, "pace": pace}
        self._server: Server | None = None
        self._state: State | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start an emulator and create its first roles; nothing happens when it runs.

        Raises:
            LocalEnvironmentError: it did not start; the message ends with its log. Or this is a
                task.
        """
        if self._state is not None:
            return
        if os.environ.get(DATA_VARIABLE):  # also in a program that a task has started
            raise LocalEnvironmentError(
                "this is a task, and a task starts no local environment: tasks start no tasks. "
                "Return what is to be mapped over, and map over it in the program that started "
                "the session"
            )
        self._server = start_server(
            without=self._without, unkind=self._unkind, strict=self._strict, python=self._python
        )
        self._state = State(
            endpoint=self._server.endpoint,
            ca_bundle=self._server.ca_bundle,
            region=REGION,
            account=ACCOUNT,
            root_key=self._server.root_key,
            root_secret=self._server.root_secret,
            owner=os.getpid(),
            strict=self._strict,
        )
        try:
            create_users(self.client(self.root_session(), "iam"))
        except BaseException:
            self.stop()
            raise
        _started.append(self)

    def stop(self) -> None:
        """Stop the emulator, if this process started it, with all that it runs."""
        server, self._server, self._state = self._server, None, None
        _started[:] = [local for local in _started if local is not self]
        if server is not None:
            server.stop()

    @property
    def endpoint(self) -> str:
        """``endpoint_url`` of every client: ``https://127.0.0.1:<port>``."""
        return self._running.endpoint

    @property
    def ca_bundle(self) -> str:
        """``verify`` of every client: the file with the throw-away authority's certificate."""
        return self._running.ca_bundle

    @property
    def region(self) -> str:
        """Its one region."""
        return self._running.region

    @property
    def account(self) -> str:
        """Its one account."""
        return self._running.account

    @property
    def strict(self) -> bool:
        """Whether its workers see only what AWS's would."""
        return self._running.strict

    @property
    def gaps(self) -> tuple[str, ...]:
        """What it cannot do, one sentence each."""
        return tuple(GAPS.values())

    def client(self, session: boto3.Session, service: str, **options: Any) -> Any:  # noqa: ANN401 - by name
        """Return a client of ``session`` that speaks to this environment, past any proxy."""
        given = options.pop("config", None)
        config = Config(proxies={}) if given is None else given.merge(Config(proxies={}))
        create: Any = session.client
        return create(
            service,
            endpoint_url=self.endpoint,
            verify=self.ca_bundle,
            config=config,
            **options,
        )

    def root_session(self) -> boto3.Session:
        """Return the account's root: IAM does not bind it, so use it for nothing but bootstrap."""
        state = self._running
        return session(state.root_key, state.root_secret, region=state.region)

    def platform_session(self) -> boto3.Session:
        """Return a platform engineer: the role that deploys."""
        return platform_session(self._sts(self.root_session()), self._running)

    def analyst_session(
        self, *, user: str = "analyst", workspace: str = "demo", environment: str = "local"
    ) -> boto3.Session:
        """Return an analyst of a workspace, through the login broker that names them.

        Raises:
            LocalEnvironmentError: nothing is deployed.
            WorkspaceNotFound: there is no such workspace.
        """
        return self._person("analyst", user=user, workspace=workspace, environment=environment)

    def steward_session(
        self, *, user: str = "steward", workspace: str = "demo", environment: str = "local"
    ) -> boto3.Session:
        """Return the steward of a workspace, who puts its packages and data there.

        Raises:
            LocalEnvironmentError: nothing is deployed.
            WorkspaceNotFound: there is no such workspace.
        """
        return self._person("steward", user=user, workspace=workspace, environment=environment)

    def _person(
        self, purpose: Purpose, *, user: str, workspace: str, environment: str
    ) -> boto3.Session:
        return person_session(
            self._sts(self.root_session()),
            self._running,
            client=self.client,
            purpose=purpose,
            user=user,
            workspace=workspace,
            environment=environment,
        )

    def request_counts(self) -> Mapping[str, Mapping[str, int]]:
        """Return how many requests each role made since the start, by action.

        The client's, the workers' and the controller's are all there, by the name of their role.
        """
        return self._ask("requests")

    def bytes_read(self) -> Mapping[str, int]:
        """Return how many bytes of objects were read since the start, by the bucket's area.

        What is read by ranges counts as what its ranges hold.
        """
        return self._ask("reads")

    def worker_processes(self) -> Mapping[str, int]:
        """Return the process ids of the workers that run, by the ARN of their ECS task.

        Kill one to see what a burst does about it.
        """
        return self._ask("workers")

    def begin_unkindness(self, *kinds: str) -> None:
        """Be as unkind as AWS documents itself to be, if a seed of it was given.

        Not before everything is deployed: see ``starburst.local.unkindness`` for what comes.

        Args:
            kinds: some of ``starburst.local.unkindness.KINDS``; all of them by default.
        """
        self._ask(f"unkind/{','.join(kinds)}")

    def write_state(self, path: Path) -> None:
        """Write the file by which other processes of this user find it; only they can read it."""
        self._running.write(path)

    @property
    def _running(self) -> State:
        if self._state is None:
            raise LocalEnvironmentError("the local environment is not started: call start()")
        return self._state

    def _ask(self, question: str) -> Mapping[str, Any]:
        state = self._running
        url = f"{state.endpoint}/_starburst/{question}"
        request = AWSRequest(method="GET", url=url)
        root = Credentials(state.root_key, state.root_secret)
        SigV4Auth(root, OWN_SERVICE, state.region).add_auth(request)
        return read_json(
            url,
            ca_bundle=state.ca_bundle,
            timeout=_ANSWER_SECONDS,
            headers=dict(request.headers.items()),
        )

    def _sts(self, who: boto3.Session) -> STSClient:
        client: STSClient = self.client(who, "sts")
        return client

    @classmethod
    def of(cls, state: State) -> LocalEnvironment:
        """Return the environment of another process, by its state."""
        local = cls()
        local._state = state
        return local

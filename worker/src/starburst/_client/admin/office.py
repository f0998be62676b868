"""Who asks of a whole environment, and how the controller is asked by the officers' own door."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict

import boto3
from botocore.exceptions import ClientError

from starburst import errors
from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import LOCAL, region
from starburst._client.access.renewal import renewing_session
from starburst.aws.calls import DENIED, client_config, code_of, quoted
from starburst.contract import ENVIRONMENT_NAME, PROTOCOL, ControllerDoor, controller_name
from starburst.errors import (
    AccessDenied,
    ConfigurationError,
    EnvironmentNotFound,
    SessionError,
    StarburstError,
)
from starburst.untrusted.strict_json import read_object
from starburst.untrusted.terminal_text import one_line

__all__ = ["Office", "Officer", "odd", "open_office"]

Action = Literal["sessions", "stop", "totals"]
_MISSING: Final = "ResourceNotFoundException"
_LARGEST: Final = 6_291_556
"""Bytes of an answer, of which Lambda lets none be larger."""


class Officer(TypedDict, total=False):
    """Where one asks, and as whom.

    Attributes:
        environment: ``STARBURST_ENVIRONMENT``, else ``local``.
        profile: an AWS profile; ``AWS_PROFILE`` else.
        aws: a session of boto3's of your own, in place of a profile.
    """

    environment: str | None
    profile: str | None
    aws: boto3.session.Session | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """One environment, and the clients of who asks of all of it.

    Attributes:
        environment: its name.
        account, region: where it is.
        caller: ARN of who is signed in.
        client: makes the client of a service.
    """

    environment: str
    account: str
    region: str
    caller: str
    client: Callable[[str], Any] = field(repr=False)

    def ask(self, action: Action, **terms: object) -> dict[str, Any]:
        """Ask the controller by its alias for officers; return its answer.

        Raises:
            AccessDenied: AWS or the controller refused.
            EnvironmentNotFound: there is no such controller, or it is of an earlier release.
            SessionError: it failed, or its answer cannot be read.
        """
        name = f"{controller_name(self.environment)}:{ControllerDoor.OFFICERS}"
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"
        payload = json.dumps({"protocol": PROTOCOL, "action": action, **terms}).encode()
        with aws_errors(f"ask the controller for {action}"):
            try:
                answer = self.client("lambda").invoke(FunctionName=arn, Payload=payload)
                text = answer["Payload"].read()
            except ClientError as error:
                raise _refused(error, action, environment=self.environment) from error
        if answer.get("FunctionError"):
            said = one_line(text.decode(errors="replace"), most=500)
            raise SessionError(
                f"the controller failed while it was asked for {action}: {said}. Its log group "
                "has the details"
            )
        try:
            found = read_object(text, most=_LARGEST)
        except ValueError as error:
            raise odd(action, error) from error
        if found.get("ok") is not True:
            raise _as_error(found.get("error"))
        return found


def open_office(
    environment: str | None = None,
    *,
    profile: str | None = None,
    aws: boto3.session.Session | None = None,
) -> Office:
    """Sign in; arguments win over variables.

    Raises:
        ConfigurationError: there is no login or no region, or no environment is called so.
    """
    name = environment or os.environ.get("STARBURST_ENVIRONMENT") or LOCAL
    if not isinstance(name, str) or not ENVIRONMENT_NAME.fullmatch(name):
        raise ConfigurationError(
            f"environment={name!r:.80} is no environment's name: it has 2 to 12 of a-z and 0-9, "
            "a letter first"
        )
    if name == LOCAL and aws is None:
        return _locally()
    with aws_errors("log in to AWS"):
        session = aws or renewing_session(profile, region())
        if session.region_name is None:
            raise ConfigurationError(
                "no AWS region is set. Set AWS_REGION, STARBURST_REGION, or the region of your "
                "profile"
            )
        # boto3 overloads client by literals; any service's will do here.
        make: Any = session.client
        return _office(
            name,
            region=session.region_name,
            client=lambda service: make(service, config=client_config()),
        )


def odd(what: str, error: Exception) -> SessionError:
    """Return the error of an answer that is none."""
    return SessionError(
        f"the controller's answer on {what} cannot be read ({one_line(error)}). Is the client of "
        "this environment's release installed?"
    )


def _locally() -> Office:
    """Return the local environment, in which its platform engineer asks."""
    from starburst.local import ensure  # noqa: PLC0415 - an optional extra, and slow to import

    local = ensure()
    engineer = local.platform_session()
    return _office(
        LOCAL, region=local.region, client=lambda service: local.client(engineer, service)
    )


def _office(name: str, *, region: str, client: Callable[[str], Any]) -> Office:
    who = client("sts").get_caller_identity()
    return Office(
        environment=name, account=who["Account"], region=region, caller=who["Arn"], client=client
    )


def _refused(error: ClientError, action: str, *, environment: str) -> Exception:
    """Return our error, or AWS's own for those that have nothing to do with officers."""
    code = code_of(error)
    if code == _MISSING:
        return EnvironmentNotFound(
            f"{environment} has no controller with an alias {ControllerDoor.OFFICERS} in this "
            "account and region: it is not deployed, or by an earlier release. Are profile and "
            "region right?"
        )
    if code in DENIED:
        return AccessDenied(
            f"cannot ask the controller for {action}: AWS refused ({quoted(error) or code}). It "
            "takes a platform engineer's or a security officer's permission, which `python -m "
            "deploy.totals --permission` prints; analysts have none"
        )
    return error


def _as_error(said: object) -> StarburstError:
    told = said if isinstance(said, dict) else {}
    kind = getattr(errors, str(told.get("type")), SessionError)
    if not (isinstance(kind, type) and issubclass(kind, StarburstError)):
        kind = SessionError
    return kind(one_line(told.get("message", "the controller refused without a reason")))

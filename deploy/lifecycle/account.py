"""What both commands have in common: the environment that is named, and the account it is in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import boto3

from environments import ALL
from starburst.aws.calls import client_config
from starburst.errors import ConfigurationError
from starburst.untrusted.terminal_text import one_line, tell

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = [
    "INTERRUPTED",
    "Account",
    "Cdk",
    "LifecycleError",
    "find_environment",
    "say",
    "sign_in",
]

INTERRUPTED: Final = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""

Cdk = Callable[[Sequence[str]], None]
"""Runs the CDK CLI with arguments, and raises ``deploy.tools.cdk.CdkFailed``."""


class LifecycleError(ConfigurationError):
    """Nothing more was done; says why, and what to do next."""


def say(text: str) -> None:
    """Print a line; whatever is quoted in it, it stays one."""
    tell(one_line(text), sys.stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One environment in its account, and the hands that act on it.

    Attributes:
        environment: which.
        client: makes the client of a service, in the environment's Region.
        cdk: runs the CDK CLI with the same credentials.
        say: is told each step, in a line.
        clock: seconds, for waits.
        pause: waits so many seconds.
    """

    environment: Environment
    client: Callable[[str], Any]
    cdk: Cdk
    say: Callable[[str], None] = say
    clock: Callable[[], float] = field(default=time.monotonic)
    pause: Callable[[float], None] = field(default=time.sleep)

    @property
    def prefix(self) -> str:
        """What the names of its stacks and queues begin with; no other environment's do."""
        return f"starburst-{self.environment.name}-"


def find_environment(name: str) -> Environment:
    """Return an environment of environments.py by its name.

    Raises:
        LifecycleError: there is none.
    """
    for environment in ALL:
        if environment.name == name:
            return environment
    known = ", ".join(one.name for one in ALL)
    raise LifecycleError(f"no environment is called {name}; environments.py has {known}")


def sign_in(environment: Environment) -> Callable[[str], Any]:
    """Return a maker of clients from the shell's credentials, which checks their account.

    Raises:
        LifecycleError: they are another account's.
    """
    session = boto3.Session(region_name=environment.region)
    # boto3 overloads client by literals; any service's will do here.
    make: Any = session.client
    found = make("sts", config=client_config()).get_caller_identity()["Account"]
    if found != environment.account:
        raise LifecycleError(
            f"the credentials are of account {found}, {environment.name} is in "
            f"{environment.account}; nothing was done. Sign in to that account, or name its "
            "profile: AWS_PROFILE=…"
        )
    return lambda service: make(service, config=client_config())

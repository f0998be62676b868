"""What the security team's commands have in common: their scope, and how they end."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.exceptions

from environments import ALL
from starburst.aws.calls import client_config
from starburst.contract import PRINCIPAL_NAME, SESSION_ID, RuntimeDocument, runtime_parameter
from starburst.contract.areas import DATA, HOME, PACKAGES, SESSIONS
from starburst.untrusted.terminal_text import many_lines, one_line, tell
from starburst_constructs.placement import Placement

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = [
    "Clients",
    "IncidentError",
    "Scope",
    "apply_options",
    "as_json",
    "caller",
    "complain",
    "conclude",
    "find_environment",
    "find_workspaces",
    "finish",
    "options",
    "parse_time",
    "read_hours",
    "read_seconds",
    "read_some_hours",
    "runtime",
    "say",
    "scope",
    "shown",
    "user_name",
    "write_new",
]

_FIRST_YEAR: Final = 1970
_MOST_HOURS: Final = 24.0 * 3660
_MOST_SECONDS: Final = 3600.0
_ONE_MINUTE: Final = 1 / 60
_LONGEST: Final = 1 << 20
"""Of what is printed; policies and records are ours, and what is quoted has its own bounds."""

_NAMED: Final[Mapping[str, str]] = dict.fromkeys(
    ("erase", "hold", "restore", "retire"),
    ", and a role that settings let to data (break_glass_role_arn, data_role_arns)",
)
"""Commands whose role the data bucket itself must know."""

Clients = Callable[[str], Any]
"""Makes the client of a service; tests pass their own."""


class IncidentError(RuntimeError):
    """Not all was done; says what was not and why, and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a command is about.

    Attributes:
        environment: where.
        workspaces: of it, by name.
        user: one analyst in them; None for all.
        session: one of the user's; None for all.
        whole: whether it is about all workspaces, and all that runs there.
    """

    environment: Environment
    workspaces: tuple[str, ...]
    user: str | None = None
    session: str | None = None
    whole: bool = False

    @property
    def placement(self) -> Placement:
        """The account and the Region, as documents take them."""
        return self.environment.placement

    @property
    def prefixes(self) -> list[str]:
        """Where their objects are, each with its closing slash.

        A person's are their sessions and their home. Packages and data are their workspace's.
        """
        if self.session is not None:
            return [SESSIONS.prefix(*self.workspaces, self.user or "", self.session)]
        if self.user is None:
            areas = (SESSIONS, PACKAGES, DATA, HOME)
            return [area.prefix(name) for name in self.workspaces for area in areas]
        return [
            area.prefix(name, self.user) for name in self.workspaces for area in (SESSIONS, HOME)
        ]

    def clients(self) -> Clients:
        """Return a maker of clients from the shell's credentials, which checks their account."""
        session = boto3.Session(region_name=self.environment.region)
        found = session.client("sts", config=client_config()).get_caller_identity()["Account"]
        if found != self.environment.account:
            raise IncidentError(
                f"the credentials are of account {found}, {self.environment.name} is in "
                f"{self.environment.account}; nothing was done. Sign in to that account"
            )
        # boto3 overloads client by literals; any service's will do here.
        make: Any = session.client
        return lambda service: make(service, config=client_config())

    def __str__(self) -> str:
        """Return it in words."""
        who = f"session {self.session} of " if self.session else ""
        who += f"{self.user} in " if self.user else ""
        return f"{who}{', '.join(self.workspaces)} of {self.environment.name}"


def options(command: str, text: str, *, user: bool = True) -> argparse.ArgumentParser:
    """Return the parser that every command of an incident begins with."""
    parser = argparse.ArgumentParser(prog=f"python -m deploy.{command}", description=text)
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument(
        "--workspace", action="append", metavar="NAME", help="one of them (default: all)"
    )
    if user:
        parser.add_argument("--user", metavar="NAME", help="only this analyst")
    parser.add_argument("--permission", action="store_true", help="print the policy that allows it")
    return parser


def apply_options(parser: argparse.ArgumentParser, *, undo: str | None = None) -> None:
    """Add the options of a command that changes something: it only shows what, until told.

    Args:
        parser: the command's.
        undo: what taking it back does, where it can be taken back.
    """
    if undo is not None:
        parser.add_argument("--undo", action="store_true", help=undo)
    parser.add_argument("--apply", action="store_true", help="do it; without this, only show it")


def scope(words: argparse.Namespace) -> Scope:
    """Read what the arguments are about."""
    environment = find_environment(words.environment)
    user = user_name(getattr(words, "user", None))
    workspaces = tuple(find_workspaces(environment, words.workspace))
    session = getattr(words, "session", None)
    if session is not None and (
        user is None or len(workspaces) != 1 or not SESSION_ID.fullmatch(session)
    ):
        raise IncidentError(
            "one session is --workspace NAME --user NAME --session ID, with the id of 20 letters "
            "and digits that starburst sessions prints"
        )
    return Scope(
        environment=environment,
        workspaces=workspaces,
        user=user,
        session=session,
        whole=not words.workspace and user is None,
    )


def find_environment(name: str) -> Environment:
    """Return an environment of environments.py by its name."""
    for environment in ALL:
        if environment.name == name:
            return environment
    known = ", ".join(one.name for one in ALL)
    raise IncidentError(f"no environment is called {name}; environments.py has {known}")


def find_workspaces(environment: Environment, wanted: Sequence[str] | None) -> list[str]:
    """Return the workspaces that are wanted, each once, or all."""
    known = [workspace.name for workspace in environment.workspaces]
    for name in wanted or ():
        if name not in known:
            raise IncidentError(
                f"{environment.name} has no workspace {name}; it has {', '.join(known)}"
            )
    return list(dict.fromkeys(wanted or known))


def user_name(name: str | None) -> str | None:
    """Return a user's name if it can be one."""
    if name is not None and not PRINCIPAL_NAME.fullmatch(name):
        raise IncidentError(f"{name!r} is no user's name: it takes 3 to 32 of a-z and 0-9")
    return name


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time as UTC; one without a zone is UTC."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(_no_time(text)) from error
    if when.year < _FIRST_YEAR:
        raise argparse.ArgumentTypeError(_no_time(text))
    return when


def _no_time(text: str) -> str:
    return f"{text!r} is no time such as 2026-01-31T12:00:00Z, of {_FIRST_YEAR} or later"


def read_hours(text: str) -> float:
    """Read a number of hours that a clock can be moved by."""
    return _number(text, "hours", _MOST_HOURS)


def read_seconds(text: str) -> float:
    """Read how many seconds to wait, which must end."""
    return _number(text, "seconds", _MOST_SECONDS, least=1.0)


def read_some_hours(text: str) -> float:
    """Read a number of hours of which there is something."""
    return _number(text, "hours", _MOST_HOURS, least=_ONE_MINUTE)


def _number(text: str, unit: str, most: float, *, least: float = 0.0) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:  # nor is NaN
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of {unit} from {least:.2g} to {most:,.0f}"
        )
    return number


def runtime(environment: Environment, clients: Clients) -> RuntimeDocument:
    """Return what the environment tells its clients: the bucket's name and the key are in it."""
    answer = clients("ssm").get_parameter(Name=runtime_parameter(environment.name))
    try:
        return RuntimeDocument.from_json(answer["Parameter"]["Value"])
    except ValueError as error:
        raise IncidentError(
            f"the runtime document of {environment.name} cannot be read ({error}), so nothing was "
            "done. It may have been changed: deploy the publishing stack again"
        ) from error


def write_new(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record for the files of an incident; never over another, and for nobody else."""
    try:
        with open(path, "x", encoding="utf-8", opener=_for_oneself) as file:
            file.write(f"{as_json(content, sort_keys=True)}\n")
    except FileExistsError as error:
        raise IncidentError(f"{path} exists and may be evidence; name another file") from error
    except OSError as error:
        raise IncidentError(f"{path} cannot be written ({error}); name another file") from error


def finish(path: Path, content: Mapping[str, Any]) -> None:
    """Put what became of it all in the place of a record that this command began.

    Raises:
        IncidentError: the file still says what was begun, and no more.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "x", encoding="utf-8", opener=_for_oneself) as file:
            file.write(f"{as_json(content, sort_keys=True)}\n")
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise IncidentError(f"{path} could not be finished ({error})") from error


def _for_oneself(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def conclude(command: str, work: Callable[[], int | None]) -> int:
    """Do a command's work; return its exit code: 0 done, 1 AWS ended it, 2 what is said is not."""
    try:
        return work() or 0
    except IncidentError as error:
        complain(str(error))
        return 2
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        complain(str(error))
        complain(
            "Nothing more was done; what is named above was. It takes what "
            f"python -m deploy.{command} --permission prints{_NAMED.get(command, '')}; then run "
            "the same command again, and name another file where you named one for its record."
        )
        return 1


def caller(sts: Any) -> str:  # noqa: ANN401 - any client of boto3
    """Return the ARN of who runs this, for a record."""
    return str(sts.get_caller_identity()["Arn"])


def shown(document: Mapping[str, Any]) -> None:
    """Print a policy or a record as JSON."""
    tell(many_lines(as_json(document), most=_LONGEST), sys.stdout)


def as_json(document: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Return a policy or a record as JSON in which every name from outside is plain text."""
    text = json.dumps(document, indent=2, default=str, sort_keys=sort_keys)
    return text.replace("\x7f", "\\u007f")  # the one control character that JSON leaves alone


def say(text: str) -> None:
    """Print a line; whatever is quoted in it, it stays one."""
    tell(one_line(text, most=_LONGEST), sys.stdout)


def complain(text: str) -> None:
    """Print a line to where errors go."""
    tell(one_line(text, most=_LONGEST), sys.stderr)

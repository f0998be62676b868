"""Asking who holds what of the totals: the controller's book, as far as it concerns its reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starburst.aws.erasing import erase_below
from starburst.contract.totals import Totals
from starburst.errors import SessionError, StarburstError
from starburst.untrusted.strict_json import Amount, Moment, Whole, fill, known_fields

from .aws_errors import aws_errors
from .controller import Control, new_session_id

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["HeldBySession", "HeldByWorkspace", "HeldTotals", "ask_totals"]

_SCOPES: Final = ("person", "workspace", "environment")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldBySession:
    """What one session holds.

    Attributes:
        session: its id.
        workspace, user: whose it is.
        workers, vcpu, memory_gb, usd_per_hour: of all its workers, at list price on demand.
        until: its deadline, seconds since the epoch.
    """

    session: str
    workspace: str
    user: str
    workers: Whole
    vcpu: Amount
    memory_gb: Amount
    usd_per_hour: Amount
    until: Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldByWorkspace:
    """What the sessions of one workspace hold together."""

    workspace: str
    sessions: Whole
    workers: Whole
    vcpu: Amount
    memory_gb: Amount
    usd_per_hour: Amount


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldTotals:
    """Who holds what.

    Attributes:
        person, workspace, environment: what is used of each one's totals.
        sessions: of the workspace, and one's own in others; the largest first.
        workspaces: of the environment, those that hold anything.
        waiting: how many sessions wait for room.
        frozen: why no new session may start now; None where one may.
    """

    person: Totals
    workspace: Totals
    environment: Totals
    sessions: Sequence[HeldBySession]
    workspaces: Sequence[HeldByWorkspace]
    waiting: int
    frozen: str | None

    def to_data(self) -> dict[str, Any]:
        """Return it as JSON says it."""
        return asdict(self)


def ask_totals(connection: Connection) -> HeldTotals:
    """Ask the controller; nothing is started, and what asked is erased again.

    Raises:
        ConfigurationError: the controller is of a release that tells nobody.
        SessionError: its answer cannot be read, or it failed.
        AccessDenied: AWS or the controller refused.
    """
    keys = connection.keys(new_session_id())
    try:
        answer = Control(connection, keys).totals()
    finally:
        # Else it expires as sessions do.
        with suppress(StarburstError), aws_errors("erase what asked"):
            erase_below(connection.s3, connection.document.bucket, [keys.prefix])
    try:
        return _read(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(
            f"the controller's answer on totals cannot be read ({error!r}). Is the client of this "
            "environment's release installed?"
        ) from error


def _read(answer: Mapping[str, Any]) -> HeldTotals:
    used = {each["scope"]: _filled(Totals, each["used"]) for each in answer["scopes"]}
    person, workspace, environment = (used.get(scope, _NOTHING) for scope in _SCOPES)
    waiting, frozen = answer["waiting"], answer["frozen"]
    if type(waiting) is not int or not isinstance(frozen, str | None):
        raise ValueError("waiting or frozen is of another type")
    return HeldTotals(
        person=person,
        workspace=workspace,
        environment=environment,
        sessions=[_filled(HeldBySession, each) for each in answer["sessions"]],
        workspaces=[_filled(HeldByWorkspace, each) for each in answer["workspaces"]],
        waiting=waiting,
        frozen=frozen,
    )


_NOTHING: Final = Totals(
    sessions=0, workers=0, vcpu=0, memory_gb=0, usd_per_hour=0, usd_per_day=0, usd_per_month=0
)


def _filled(kind: type[T], fields: Mapping[str, Any]) -> T:
    return fill(kind, known_fields(kind, fields))

"""Whether the key and the controller do what every session begins with; nothing is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.controller import new_session_id
from starburst._client.access.totals import ask_totals
from starburst._protocol.sealed.session_key import SessionKey
from starburst.errors import ConfigurationError, StarburstError

from .finding import Finding
from .fixes import fix_of

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["look_at_controller", "look_at_key"]

_THAW: Final = "ask your platform team when they end it; sessions that run go on"
_TELLS_NOBODY: Final = "there is no action"


def look_at_key(connection: Connection, profile: str | None) -> Finding:
    """Have KMS make the keys of a session that is never opened: they are forgotten at once.

    Args:
        connection: to the environment.
        profile: the AWS profile that is used, for what to do about its login.
    """
    keys = connection.keys(new_session_id())
    try:
        with aws_errors("make a session's keys"):
            SessionKey.create(connection.kms, connection.document.key_arn, keys=keys)
    except StarburstError as error:
        return Finding(False, str(error), fix_of(error, profile=profile), "key")
    return Finding(True, "the key that seals your sessions can be used", check="key")


def look_at_controller(connection: Connection, profile: str | None) -> Finding:
    """Ask the controller who holds what, which starts nothing.

    Args:
        connection: to the environment.
        profile: the AWS profile that is used, for what to do about its login.
    """
    try:
        held = ask_totals(connection)
    except ConfigurationError as error:
        if error.__cause__ is None and _TELLS_NOBODY in str(error):
            text = "the controller answers; it is of an earlier release than this client"
            return Finding(True, text, check="controller")
        return Finding(False, str(error), fix_of(error, profile=profile), "controller")
    except StarburstError as error:
        return Finding(False, str(error), fix_of(error, profile=profile), "controller")
    if held.frozen is not None:
        return Finding(False, held.frozen, _THAW, "controller")
    count = held.workspace.sessions
    text = f"the controller answers: {count} session{'s' * (count != 1)} of {connection.workspace}"
    return Finding(True, f"{text} hold{'s' * (count == 1)} room now", check="controller")

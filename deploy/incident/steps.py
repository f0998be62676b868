"""Steps that do not wait for one another: what AWS refuses of one is told, all others are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from deploy.incident.command import IncidentError, say
from starburst.aws.calls import TROUBLE

__all__ = ["Steps"]

_T = TypeVar("_T")
_TOLD = 5


@dataclass(slots=True)
class Steps:
    """The steps of one command.

    Attributes:
        command: whose permission is to be looked at.
        refused: what was not done, each with AWS's words.
    """

    command: str
    refused: list[str] = field(default_factory=list)

    def take(self, what: str, step: Callable[[], _T]) -> _T | None:
        """Take one step; return None, and say so, where it was refused."""
        try:
            return step()
        except (IncidentError, *TROUBLE) as error:
            say(f"NOT DONE: {what}: {error}")
            self.refused.append(f"{what}: {error}")
            return None

    def end(self, done: str, *, besides: str = "") -> None:
        """End the command.

        Args:
            done: what all steps together come to.
            besides: what else is wrong, such as with its record.

        Raises:
            IncidentError: a step was not taken, or something else is wrong.
        """
        if self.refused:
            more = len(self.refused) - _TOLD
            what = [*self.refused[:_TOLD], *([f"and {more:,} more"] if more > 0 else [])]
            raise IncidentError(
                f"{len(self.refused):,} steps were NOT done, all others were: {'; '.join(what)}. "
                f"They take what python -m deploy.{self.command} --permission prints; then run the "
                "same command again, and name another file where you named one for its record"
                + (f". Besides, {besides}" if besides else "")
            )
        if besides:
            raise IncidentError(f"{done}, but {besides}")

"""The policy that keeps a user's objects from being erased, whenever its caller signed in (S37).

A denial of older sessions ends; evidence must outlast the next login. It stands on the roles that
write there, and stays until a command removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from starburst.contract import PRINCIPAL_NAME, SESSION_ID, USER_TAG
from starburst.contract.areas import DATA, HOME, PACKAGES, SESSIONS, Area

__all__ = ["Keeping", "Why"]

Why = Literal["contained", "held"]

_PREFIX: Final = "DenyErasing"
_ERASING: Final = "s3:Delete*"
_WRITING: Final = ("s3:AbortMultipartUpload", "s3:Put*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What is kept from being erased, and why.

    Example:
        >>> keeping = Keeping(why="held", workspace="genomics", user="alice")
        >>> keeping.policy_name, keeping.prefixes
        ('DenyErasing-held-genomics-alice', ('sessions/genomics/alice/', 'home/genomics/alice/'))
        >>> Keeping.parse(keeping.policy_name) == keeping
        True

    Attributes:
        why: who is contained writes nothing either, and erases nothing that the workspace shares;
            what is held can still be added to.
        workspace: where.
        user: whose objects; None for all of the workspace.
        session: only of this session.
    """

    why: Why
    workspace: str
    user: str | None = None
    session: str | None = None

    @classmethod
    def parse(cls, policy_name: str) -> Keeping | None:
        """Return what an inline policy of this name keeps; None for a policy of another kind."""
        head, _, rest = policy_name.partition("-")
        why, *names = rest.split("-")
        if head != _PREFIX or not 1 <= len(names) <= 3:  # noqa: PLR2004 - workspace, user, session
            return None
        workspace, user, session = [*names, None, None][:3]
        for name, pattern in (
            (workspace, PRINCIPAL_NAME),
            (user, PRINCIPAL_NAME),
            (session, SESSION_ID),
        ):
            if name is not None and not pattern.fullmatch(name):
                return None
        if why == "contained" or why == "held":  # noqa: PLR1714 - narrows the type
            return cls(why=why, workspace=workspace or "", user=user, session=session)
        return None

    @property
    def policy_name(self) -> str:
        """Name of the inline policy: an auditor sees by it why a role refuses."""
        names = (_PREFIX, self.why, self.workspace, self.user, self.session)
        return "-".join(filter(None, names))

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What it keeps, in the data bucket: sessions first, then what lies beside them."""
        owner = tuple(filter(None, (self.workspace, self.user, self.session)))
        areas: tuple[Area, ...] = (SESSIONS,)
        if self.session is None:
            areas = (SESSIONS, HOME) if self.user else (SESSIONS, PACKAGES, DATA, HOME)
        return tuple(area.prefix(*owner) for area in areas)

    @property
    def document(self) -> dict[str, Any]:
        """What it says. The roles reach one bucket only, so that its name need not be known."""
        contained = self.why == "contained"
        denied: dict[str, Any] = {
            "Effect": "Deny",
            "Action": [_ERASING, *(_WRITING if contained else ())],
        }
        statements = [{"Sid": _PREFIX, **denied, "Resource": _below(self.prefixes)}]
        if contained and self.user is not None:
            shared = [area.prefix(self.workspace) for area in (PACKAGES, DATA)]
            theirs = {"StringEquals": {f"aws:PrincipalTag/{USER_TAG}": self.user}}
            statements.append(
                {
                    "Sid": f"{_PREFIX}Shared",
                    **denied,
                    "Resource": _below(shared),
                    "Condition": theirs,
                }
            )
        return {"Version": "2012-10-17", "Statement": statements}

    def concerns(self, prefix: str) -> bool:
        """Return whether something below a prefix is kept."""
        return any(prefix.startswith(one) or one.startswith(prefix) for one in self.prefixes)


def _below(prefixes: Sequence[str]) -> list[str]:
    return [f"arn:aws:s3:::*/{prefix}*" for prefix in prefixes]

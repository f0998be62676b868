"""What officers may ask: freeze, thaw, and who holds what. Budgets freeze by the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from starburst.contract import PRINCIPAL_NAME
from starburst.controller.state.sessions import Records
from starburst.controller.wakes import wake
from starburst.errors import AccessDenied, ConfigurationError, WorkspaceNotFound
from starburst.untrusted.terminal_text import one_line

from .book import ALL, Book, Freeze
from .budgets import spent_budget, workspace_of
from .freezes import frozen, of_budget, thawed, with_freeze
from .judging import Scope, Usage
from .keeping import Bookkeeper
from .reconciling import end_frozen
from .telling import told_scopes, told_session
from .waiting import standing

__all__ = ["Officers", "told_words"]

_MOST_WORDS: Final = 300
_ACTIONS: Final = ("freeze", "thaw", "totals")

Answer = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Officers:
    """The requests of officers, and the messages of budgets.

    Attributes:
        keeper: of the book.
        records: of the sessions.
    """

    keeper: Bookkeeper
    records: Records

    def perform(self, payload: Mapping[str, Any], *, until: float) -> Answer:
        """Do what an officer asks and return the answer; raise a typed error to refuse."""
        action = payload.get("action")
        if action not in _ACTIONS:
            raise AccessDenied(
                f"officers ask for {', '.join(_ACTIONS)}, sessions and stop, and not for "
                f"{action!r:.80}: analysts begin sessions, and sweeps are the schedule's"
            )
        workspace = self._workspace(payload.get("workspace"), gone=action == "thaw")
        match action:
            case "freeze":
                return self._freeze(self._asked(payload, workspace), until=until)
            case "thaw":
                return self._thaw(workspace, until=until)
            case _:
                return self._totals(workspace)

    def budget_says(self, notice: Mapping[str, Any], *, until: float) -> None:
        """Freeze the workspace of a budget that is spent.

        Raises:
            BudgetUnread: the message should perhaps freeze something, and does not.
        """
        settings = self.keeper.environment.settings
        spent = spent_budget(notice, topic=settings.budgets)
        if spent is None:
            return
        workspace = workspace_of(spent.budget, self.keeper.environment.document())
        now = self.keeper.environment.clock()
        freeze = of_budget(
            spent.budget, workspace, why=spent.words, end=settings.budgets_end, now=now
        )
        self._freeze(freeze, cause=f"budget {spent.budget}", until=until)

    def _freeze(self, freeze: Freeze, *, until: float, cause: str = "") -> Answer:
        book = self.keeper.change(
            lambda book: (both := with_freeze(book, freeze, cause=cause), both), until=until
        )
        for waiter in book.waiting:
            if frozen(book, waiter.ask.workspace, now=freeze.since):
                wake(self.keeper.environment, waiter.session)
        ending = 0
        if freeze.end:
            sessions = list(self.records.sessions())
            ending = end_frozen(self.keeper, self.records, book, sessions, until=until)
        return {"ok": True, "frozen": self._frozen(book), "ending": ending}

    def _thaw(self, workspace: str, *, until: float) -> Answer:
        def change(book: Book) -> tuple[Book, tuple[Book, Book]]:
            warm = thawed(book, workspace)
            return warm, (book, warm)

        before, book = self.keeper.change(change, until=until)
        gone = [one for name, one in before.freezes.items() if name not in book.freezes]
        return {"ok": True, "frozen": self._frozen(book), "thawed": [asdict(one) for one in gone]}

    def _totals(self, workspace: str) -> Answer:
        environment, book = self.keeper.environment, self.keeper.read()
        now, document = environment.clock(), environment.document()
        usage = Usage.of(book, document, now=now)
        people = {grant.ask.user for grant in book.grants.values()}
        people |= {who.partition("/")[2] for spent in book.months.values() for who in spent}
        scopes = [
            Scope("environment", document.environment),
            *(Scope("workspace", name) for name in document.workspaces),
            *(Scope("person", name) for name in sorted(people)),
        ]
        if workspace != ALL:
            scopes = [Scope("workspace", workspace)]
        return {
            "ok": True,
            "at": now,
            "scopes": told_scopes(scopes, usage, document),
            "sessions": [
                told_session(name, grant)
                for name, grant in book.grants.items()
                if workspace in (ALL, grant.ask.workspace)
            ],
            "waiting": [
                {
                    "session": one.session,
                    **asdict(one.ask),
                    "since": one.since,
                    "until": one.until,
                    "place": standing(book, document, one.ask, session=one.session, now=now).place,
                }
                for one in book.waiting
                if workspace in (ALL, one.ask.workspace)
            ],
            "frozen": self._frozen(book),
        }

    def _frozen(self, book: Book) -> list[dict[str, Any]]:
        now = self.keeper.environment.clock()
        return [asdict(one) for one in book.freezes.values() if one.lasts(now)]

    def _asked(self, payload: Mapping[str, Any], workspace: str) -> Freeze:
        why, by = told_words(payload)
        end = payload.get("end", False)
        if type(end) is not bool:
            raise ConfigurationError(f"end is {end!r:.80}; it must be true or false")
        return Freeze(
            workspace=workspace,
            by=by,
            since=self.keeper.environment.clock(),
            why=why,
            end=end,
        )

    def _workspace(self, name: object, *, gone: bool) -> str:
        """Return the workspace that is meant; one that is gone may still be frozen."""
        if name is None:
            return ALL
        there = self.keeper.environment.document().workspaces
        known = type(name) is str and (name in there or (gone and PRINCIPAL_NAME.fullmatch(name)))
        if type(name) is not str or not known:
            raise WorkspaceNotFound(
                f"this environment has no workspace {name!r:.80}; it has {', '.join(there)}, and "
                "null stands for all of them"
            )
        return name


def told_words(payload: Mapping[str, Any]) -> tuple[str, str]:
    """Return why an officer asks, and who they say they are.

    Raises:
        ConfigurationError: one of them is no text, or is too long.
    """
    why, by = payload.get("why"), payload.get("by", "an officer")
    for name, text in (("why", why), ("by", by)):
        if type(text) is not str or not 0 < len(text.strip()) <= _MOST_WORDS:
            raise ConfigurationError(
                f"{name} is {text!r:.80}; it must be text of 1 to {_MOST_WORDS} characters: "
                "analysts whose sessions are refused or stopped read it"
            )
    return one_line(str(why).strip()), one_line(str(by).strip())

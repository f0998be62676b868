"""Many invocations at once without threads: one is played in the midst of another.

An invocation that reads the book and then writes it meets whatever was written between. So it is
enough that others have their turns there, whole, each with others in its own midst: every outcome
of compare-and-set comes up, and a seed plays the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from starburst.contract import CONTROL_PREFIX
from starburst.controller.totals.book import BOOK
from tests.controller.effects.faults import KINDS, Died, kinds
from tests.controller.effects.history import History

__all__ = ["Crowd"]

_RECORDS: Final = f"{CONTROL_PREFIX}active/"

Work = Callable[[], object]


@dataclass(kw_only=True)
class Crowd:
    """Works that all begin at one instant.

    Attributes:
        random: of the seed.
        works: that have not begun.
        deaths: how many of a hundred of these writes are an invocation's last, before or after.
        faults: how many of a hundred of these calls fail, before or after their effect.
        deep: how many may be in the midst of each other.
        watch: called after each effect on the book.
        died: how many did.
    """

    random: Random
    works: list[Work]
    deaths: int = 0
    faults: int = 0
    deep: int = 12
    watch: Callable[[], object] = lambda: None
    died: int = 0
    _under_way: int = field(default=0, init=False)

    def play(self, history: History) -> None:
        """Let all of them happen."""
        self.random.shuffle(self.works)
        history.interfere = self.interfere
        try:
            while self.works:
                self.one()
        finally:
            history.interfere = None

    def one(self) -> None:
        """Let one happen, with others in its midst."""
        work = self.works.pop()
        self._under_way += 1
        try:
            work()
        except Died:
            self.died += 1
        finally:
            self._under_way -= 1

    def interfere(self, call: str, words: Mapping[str, Any], do: Callable[[], Any]) -> Any:
        """Have others their turn before an effect on the book, or on a record."""
        key = str(words.get("Key", ""))
        if key != BOOK and not (call == "s3.put_object" and key.startswith(_RECORDS)):
            return do()
        while self.works and self._under_way < self.deep and self.random.random() < 0.5:
            self.one()
        if self.random.randrange(100) < self.faults:
            kind = self.random.choice([one for one in kinds(call, words) if one != "dies"])
            try:
                return KINDS[kind](call, do)
            finally:
                self.watch()
        dies = call == "s3.put_object" and self.random.randrange(100) < self.deaths
        if dies and self.random.random() < 0.5:
            raise Died
        answer = do()
        self.watch()
        if dies:
            raise Died
        return answer

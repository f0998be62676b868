"""Ids that a task's try has of itself, so that whoever takes it up again finds its session."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["Try"]

_ALPHABET: Final = string.digits + string.ascii_lowercase
_ID_LENGTH: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """One try of one task of one run: what Airflow has one process for at a time.

    Attributes:
        dag, run, task: their ids.
        map_index: of a mapped task; -1 of any other.
        number: of the try, counted from 1.
    """

    dag: str
    run: str
    task: str
    map_index: int = -1
    number: int = 1

    @classmethod
    def of(cls, task_instance: Any) -> Self:  # noqa: ANN401 - Airflow's, of either release
        """Return the try that a task instance is of."""
        return cls(
            dag=str(task_instance.dag_id),
            run=str(task_instance.run_id),
            task=str(task_instance.task_id),
            map_index=int(task_instance.map_index),
            number=int(task_instance.try_number),
        )

    def ids(self, *place: str, salt: str = "") -> Iterator[str]:
        """Yield the session ids of this try: the first, and those to go on with, always the same.

        Args:
            place: environment, workspace and user: two of them never share an id.
            salt: a secret. Without one, who knows the names of a run could begin a session of their
                own under its id first, in the same environment: it would then be refused.

        Example:
            >>> once = Try(dag="nightly", run="manual__1", task="simulate")
            >>> next(once.ids("prod")) == next(once.ids("prod"))
            True
        """
        names = [*place, self.dag, self.run, self.task, self.map_index, self.number]
        for turn in itertools.count():
            text = json.dumps([*names, turn]).encode()
            digest = hmac.new(f"starburst:{salt}".encode(), text, hashlib.sha256).digest()
            number, letters = int.from_bytes(digest), ""
            for _ in range(_ID_LENGTH):
                number, letter = divmod(number, len(_ALPHABET))
                letters += _ALPHABET[letter]
            yield letters

"""Planting a bug: a function of the product with some of its words changed, for a while."""

from __future__ import annotations

import contextlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

__all__ = ["Bug"]


@dataclass(frozen=True)
class Bug:
    """A mistake in one function.

    Attributes:
        owner: the class or module that has the function.
        function: its name.
        old, new: the words that are changed; the old ones stand there once.
    """

    owner: Any
    function: str
    old: str
    new: str

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        """Have the product make this mistake meanwhile."""
        real = inspect.getattr_static(self.owner, self.function)
        source = textwrap.dedent(inspect.getsource(real))
        assert source.count(self.old) == 1, f"{self.function} no longer says {self.old!r} once"
        words = f"from __future__ import annotations\n{source.replace(self.old, self.new)}"
        made: dict[str, Any] = {}
        exec(compile(words, real.__code__.co_filename, "exec"), real.__globals__, made)  # noqa: S102
        with mock.patch.object(self.owner, self.function, made[self.function]):
            yield

"""Functions and inputs on their way to a worker: cloudpickle, with the user's own code inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .envelope import Buffer

__all__ = ["LargePayloadWarning", "dump_function", "dump_input", "load"]


class LargePayloadWarning(UserWarning):
    """A function or an input is so large that sending it dominates the work."""


def dump_function(function: Callable[..., Any]) -> bytes:
    """Pickle a function."""
    raise NotImplementedError


def dump_input(value: object) -> bytes:
    """Pickle one input."""
    raise NotImplementedError


def load(data: Buffer) -> Any:  # noqa: ANN401 - whatever was sent
    """Load what either made; only ever after verification."""
    raise NotImplementedError

"""Backends that are broken on purpose: the check has to find both, or it finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["BREAK", "FOUND_BY", "WAYS", "broken"]

BREAK: Final = "STARBURST_CHECK_BREAK"
"""Names the way in which the backend is to be broken."""

FOUND_BY: Final = "test_simple_parallel or test_nested_exception_dispatch"
"""Some of joblib's tests, for pytest's ``-k``: each call has its result, and errors arrive."""


def _of_another(retrieve: Callable[..., Any]) -> Callable[..., Any]:
    """Return to each batch but the first what the batch before it returned."""

    def retrieved(backend: Any, out: Any) -> Any:
        found = retrieve(backend, out)
        kept, backend.kept = getattr(backend, "kept", found), found
        return kept

    return retrieved


def _swallowed(retrieve: Callable[..., Any]) -> Callable[..., Any]:
    """Return nothing for a batch that failed."""

    def retrieved(backend: Any, out: Any) -> Any:
        try:
            return retrieve(backend, out)
        except Exception:
            return []

    return retrieved


WAYS: Final[Mapping[str, Callable[[Callable[..., Any]], Callable[..., Any]]]] = {
    "results of other calls": _of_another,
    "errors swallowed": _swallowed,
}


def broken(backend: type, way: str) -> type | None:
    """Return a backend that is broken in a way; None for no way."""
    if not way:
        return None
    retrieve: Any = backend.retrieve_result_callback  # type: ignore[attr-defined]
    return type(backend.__name__, (backend,), {"retrieve_result_callback": WAYS[way](retrieve)})

"""Tests that cannot pass, each with its reason; they count as failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["reason"]

_MANAGER: Final = (
    "sends a proxy of multiprocessing.Manager, which only processes of this machine may use"
)
_FILES: Final = "asks for files in temp_folder, which workers on other machines could not read"

REASONS: Final[Mapping[str, str]] = {
    "test_dispatch_multiprocessing[starburst]": _MANAGER,
    "test_initializer_context": _MANAGER,
    "test_initializer_parallel": _MANAGER,
    "test_auto_memmap_on_arrays_from_generator[starburst]": _FILES,
    "test_memmapping_leaks[starburst]": _FILES,
    "test_error_capture[starburst]": (
        "wants a KeyboardInterrupt of a call raised here; a worker's cannot interrupt an "
        "analyst's program, and is a TaskError"
    ),
}
"""By a part of the test's id."""


def reason(nodeid: str) -> str | None:
    """Return why a test is deselected; None for one that runs."""
    return next((why for part, why in REASONS.items() if part in nodeid), None)

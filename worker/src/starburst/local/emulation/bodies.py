"""Read a request's JSON body, whatever it holds."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_object"]


def json_object(body: bytes | str | None) -> dict[str, Any]:
    """Return the JSON object in ``body``; an empty one where there is none."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""What Airflow reads of this package before it imports any of it: a connection type and a link."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["CONNECTION_TYPE", "DEFAULT_CONNECTION", "HOOK_NAME", "form", "provider_info"]

CONNECTION_TYPE: Final = "starburst"
DEFAULT_CONNECTION: Final = "starburst_default"
HOOK_NAME: Final = "Starburst"

_HIDDEN: Final = ("port",)
_LABELS: Final = {
    "host": "Environment",
    "schema": "Workspace",
    "login": "User",
    "password": "Salt of session ids",
}
_PLACEHOLDERS: Final = {
    "host": "prod",
    "schema": "the only one that the environment has",
    "login": "the name of the role session that is logged in",
    "password": "any secret text; see the documentation",
    "extra": '{"profile": "an AWS profile of the machines that Airflow runs on"}',
}


def form() -> dict[str, Any]:
    """Return how Airflow's form for a connection looks, as a hook answers it."""
    return {
        "hidden_fields": [*_HIDDEN],
        "relabeling": dict(_LABELS),
        "placeholders": dict(_PLACEHOLDERS),
    }


def provider_info() -> dict[str, Any]:
    """Return what the entry point ``apache_airflow_provider`` promises."""
    return {
        "package-name": "starburst",
        "name": "Starburst",
        "description": "Burst a Python function over inputs on cloud workers.",
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "starburst.airflow.hook.StarburstHook",
                "hook-name": HOOK_NAME,
                "ui-field-behaviour": {
                    "hidden-fields": [*_HIDDEN],
                    "relabeling": dict(_LABELS),
                    "placeholders": dict(_PLACEHOLDERS),
                },
            }
        ],
        "extra-links": ["starburst.airflow.link.SessionLink"],
    }

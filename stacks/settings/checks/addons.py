"""That add-ons have names of their own, are set as they say, and work in their environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.settings.annotations import typed
from stacks.settings.validation import distinct, matches

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["check_addons"]


def check_addons(environment: Environment) -> None:
    """Refuse the first add-on that does not fit.

    Raises:
        SettingsError: with the setting, and what it may be.
    """
    me = f"environment {environment.name}:"
    distinct(f"{me} addons", (addon.name for addon in environment.addons))
    for addon in environment.addons:
        matches(f"{me} addons", addon.name, "[a-z][a-z0-9]{1,19}", "names such as datamart")
        typed(f"{me} {addon.name}.", addon)
        addon.check(environment)

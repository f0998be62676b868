"""Which add-ons an environment has: those that it names, and those that its settings ask for."""

from __future__ import annotations

from stacks.addons.hosts import Hosts
from stacks.settings import Environment
from stacks.settings.addon import Addon

__all__ = ["enabled"]


def enabled(environment: Environment) -> tuple[Addon, ...]:
    """Return the add-ons of an environment, in the order in which they are built."""
    implied = (Hosts(capacity=environment.capacity),) if environment.capacity is not None else ()
    return (*implied, *environment.addons)

"""FINMA's circular on resilience: classified data, backups that last, restores that are tried."""

from stacks.addons.finma.addon import Finma
from stacks.addons.finma.settings import Classification

__all__ = ["Classification", "Finma"]

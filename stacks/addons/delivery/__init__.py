"""Delivery: what judges pull requests of this repository, and deploys what was merged (P4, P11)."""

from stacks.addons.delivery.addon import Delivery
from stacks.addons.delivery.settings import GitHub, Target

__all__ = ["Delivery", "GitHub", "Target"]

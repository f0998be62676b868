"""Add-ons: optional stacks that bring all of theirs along; one file or folder each."""

from stacks.addons.addon import Addon, AddonError, Price

__all__ = ["Addon", "AddonError", "Price"]

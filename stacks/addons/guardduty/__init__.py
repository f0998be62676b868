"""GuardDuty: the account's detector, its findings told once each, and misuse of workers."""

from stacks.addons.guardduty.addon import GuardDuty

__all__ = ["GuardDuty"]

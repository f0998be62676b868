"""Identity governance: who makes instances of Identity Center, which there are, who uses them."""

from stacks.addons.identity_governance.addon import IdentityGovernance

__all__ = ["IdentityGovernance"]

"""What looks at an account of card data: Security Hub's PCI DSS standard, and GuardDuty by name."""

from stacks.addons.pci.addon import Pci

__all__ = ["Pci"]

"""Security Hub's findings: a report each week that named people read, told by e-mail (P2)."""

from stacks.addons.security_hub_findings.addon import SecurityHubFindings

__all__ = ["SecurityHubFindings"]

"""The security team's commands, and what they have in common."""

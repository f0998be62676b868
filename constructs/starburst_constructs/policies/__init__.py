"""Policies: one file a role, and the statements that several of them share."""

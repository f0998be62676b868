"""Roles, and who may become them."""

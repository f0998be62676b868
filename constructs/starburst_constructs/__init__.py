"""Hardened building blocks of a Starburst environment."""

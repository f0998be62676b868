"""Packages on their way to workers: read, resolved by uv for their Python, and kept as wheels."""

"""Workloads of what tasks have in common, and of what is kept of them."""

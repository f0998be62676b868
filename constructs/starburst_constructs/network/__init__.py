"""Subnets without a way out, and the endpoints that are the only one."""

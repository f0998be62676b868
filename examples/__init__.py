"""Runnable analyses on real data."""

"""Buckets, keys and the image registry."""

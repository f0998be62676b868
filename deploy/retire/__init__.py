"""A workspace's end, before settings may drop it: ``python -m deploy.retire``."""

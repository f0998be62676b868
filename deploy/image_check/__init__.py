"""``make image-check``: build the worker image for real, and run workers from it."""

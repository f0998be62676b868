"""What ordinary Python holds, as it travels: caches, variables of a context, random streams."""

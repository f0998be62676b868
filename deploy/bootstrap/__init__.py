"""A bootstrap without an administrator: its policies, its boundary and its template."""

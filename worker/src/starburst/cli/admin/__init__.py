"""``starburst admin``: for platform engineers and security officers."""

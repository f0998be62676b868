"""A session's objects in S3, as a worker reads and writes them."""

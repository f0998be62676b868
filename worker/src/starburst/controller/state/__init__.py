"""The controller's settings and its records in S3, changed by compare-and-set."""

"""A workspace's data and people's homes as named files, above S3 and below the public modules."""

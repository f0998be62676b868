"""What tasks printed, on its way to S3: bounded, sealed, stored once."""

"""What a platform engineer runs beside the CDK."""

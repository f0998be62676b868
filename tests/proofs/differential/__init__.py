"""A second opinion on the encoder: IAM in plain Python, and random policies to compare both on."""

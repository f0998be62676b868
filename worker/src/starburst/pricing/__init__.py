"""What Fargate and EC2 sell, and what they charge for it."""

"""What a pipeline runs that a person's commands do not: audits, deployments without a question."""

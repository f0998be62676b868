"""Reading an account: calls that change nothing, and what they found as values."""

"""A question, what it is asked of, and how all of them are asked."""

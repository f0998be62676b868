"""What a worker writes to its log."""

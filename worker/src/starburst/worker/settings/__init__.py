"""What a worker is told where it starts: its variables and its timings."""

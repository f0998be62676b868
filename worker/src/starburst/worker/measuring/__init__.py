"""What a worker writes down of its tasks for the report: when, how long, how much memory."""

"""What tasks printed, read by their client: while they run, and afterwards."""

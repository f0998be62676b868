"""What runs on workers, sealed: functions, what they share, and what comes before them."""

"""What notebooks show: cards of sessions and tasks, and a bar that is one output."""

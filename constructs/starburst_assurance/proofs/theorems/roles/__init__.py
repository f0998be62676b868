"""What each role is for and the most that any may be given, and what the controller starts."""

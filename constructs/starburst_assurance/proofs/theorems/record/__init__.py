"""What is on record nobody weakens, and who answers an incident does that alone."""

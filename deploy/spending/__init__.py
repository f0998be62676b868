"""What an environment may spend: freezing and thawing it, and what is used of every total."""

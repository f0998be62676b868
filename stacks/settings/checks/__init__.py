"""What one part of an environment must be for the rest of it; each is refused in one sentence."""

"""Whether some theorem would notice a mistake in a policy."""

"""Review: what a change newly permits, replaces, proves, waives and costs since a commit."""

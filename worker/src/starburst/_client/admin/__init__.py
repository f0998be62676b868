"""What platform engineers and security officers ask of a whole environment; no data is in it."""

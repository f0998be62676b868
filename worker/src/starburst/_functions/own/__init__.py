"""The analyst's own modules: which they are, what they reach, and the files that travel."""

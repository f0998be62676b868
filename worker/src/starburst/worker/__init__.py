"""The worker: leases chunks, runs them in a child process, commits results once."""

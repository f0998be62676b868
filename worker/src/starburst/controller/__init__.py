"""The controller: the only one that may start workers, and so the one that judges every request."""

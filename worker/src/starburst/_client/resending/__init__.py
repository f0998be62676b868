"""Sending a task of a session once more: its input is read back, as its client signed it."""

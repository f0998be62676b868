"""Trying a restore: a backup comes back, is compared with what was backed up, and timed (A26)."""

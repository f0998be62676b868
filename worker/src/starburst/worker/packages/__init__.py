"""The packages that a session names: fetched, verified and unpacked before any of its tasks."""

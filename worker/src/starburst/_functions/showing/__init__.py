"""What a traceback shows of code that travelled, and of the call that raised."""

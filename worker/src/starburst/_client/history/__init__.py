"""What a session's results tell of how it went, as they are taken in."""

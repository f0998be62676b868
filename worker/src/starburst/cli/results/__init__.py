"""Results of a session, watched and brought here."""

"""The report of a session: what its results say of their tasks, and the page that shows it."""

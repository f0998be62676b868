"""A session's workers and its queue: counted, launched, billed, asked again."""

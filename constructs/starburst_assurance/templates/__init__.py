"""Synthesized templates, read as one, the way that AWS reads them."""

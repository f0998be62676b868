"""The gate that every synthesis passes, and the typed exceptions to it."""

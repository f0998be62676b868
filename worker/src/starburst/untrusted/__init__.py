"""Text from outside: read strictly on its way in, cleaned on its way to people."""

"""A map that has a name: what earlier ones of the name have computed is not computed again."""

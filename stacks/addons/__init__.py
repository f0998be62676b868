"""Add-ons: optional stacks that bring all of theirs along; one file or folder each."""

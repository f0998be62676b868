"""The controller, and what workers run on."""

"""The sides that are compared: each is a program that runs in a Python of its own."""

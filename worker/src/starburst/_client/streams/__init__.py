"""Inputs that are read as results are taken, and results in input order."""

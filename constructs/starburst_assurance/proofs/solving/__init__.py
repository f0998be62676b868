"""Theorems, the solver, and its counterexamples."""

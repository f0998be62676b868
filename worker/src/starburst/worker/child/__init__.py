"""The process that runs the analyst's function, and the worker's side of it."""

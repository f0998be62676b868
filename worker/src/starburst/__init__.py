"""Map a Python function over inputs on cloud workers."""

"""What the tests of each folder cost in CPU time."""

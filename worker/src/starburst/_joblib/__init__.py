"""What joblib asks of a backend, answered by an executor."""

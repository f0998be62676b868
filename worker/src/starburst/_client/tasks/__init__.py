"""Tasks on their way out and results on their way back."""

"""joblib's and scikit-learn's own tests, unmodified, against the backend: make joblib-check."""

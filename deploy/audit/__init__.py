"""The deployed environment held against its code: ``python -m deploy.audit`` (A2, A10, S39)."""

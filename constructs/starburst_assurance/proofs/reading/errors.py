"""What can be wrong with a proof before it starts."""

from __future__ import annotations

__all__ = ["ProofError", "ResolveError", "UnsupportedError", "VocabularyError"]


class ProofError(Exception):
    """Any reason for which nothing can be proved; its message says what to do."""


class ResolveError(ProofError):
    """A template refers to something that cannot be made concrete."""


class UnsupportedError(ProofError):
    """A policy uses IAM in a way that the encoding does not cover."""


class VocabularyError(ProofError):
    """A policy uses words that IAM does not know: it would not do what its author meant."""

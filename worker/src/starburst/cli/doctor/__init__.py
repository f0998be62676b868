"""``starburst doctor``: everything that commonly stops a first burst, looked at beforehand."""

from __future__ import annotations

from .examining import examine
from .finding import Finding

__all__ = ["Finding", "examine"]

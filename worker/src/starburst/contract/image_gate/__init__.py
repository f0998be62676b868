"""What the stacks tell the controller of a gate that judges worker images."""

from __future__ import annotations

from .document import (
    UNSCANNED,
    ImageGateDocument,
    ImageWaiver,
    image_gate_parameter,
)

__all__ = ["UNSCANNED", "ImageGateDocument", "ImageWaiver", "image_gate_parameter"]

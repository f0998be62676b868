"""``starburst-prove`` as a command: Node first, which ``aws_cdk`` needs to be imported at all."""

from __future__ import annotations

from starburst_assurance.bundled_node import use_bundled_node

__all__ = ["main"]


def main() -> int:
    """Run the command."""
    use_bundled_node()
    from starburst_assurance.proofs.command import main as prove  # noqa: PLC0415

    return prove()

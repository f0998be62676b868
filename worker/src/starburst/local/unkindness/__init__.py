"""AWS's documented unkindness, by seed: one kind a file, each with its source.

An emulator answers at once, always, and as if it were alone. AWS does not: what it documents of
delays, limits and repeats is here, so that the local environment (``starburst local --unkind 7``)
and the seeded runs of the tests meet it. The same seed meets the same, at the same times.

What AWS gives a number, has it here; where it says "a few seconds" or "some", the number is ours,
beside the sentence. Nothing here looks at what the runtime is doing.
"""

from __future__ import annotations

from .unkind import KINDS, Unkind

__all__ = ["KINDS", "Unkind"]

"""Proofs: what the synthesized policies can never allow, for every request that there is.

The way through: ``resolve`` makes templates concrete, ``estate`` reads typed policies out of them,
``vocabulary`` refuses words that IAM does not know, ``encode`` and ``decision`` say as formulas
what IAM would decide, ``theorem`` and ``prove`` ask cvc5, ``mutants`` asks whether the theorems
would notice a mistake. ``theorems`` holds the statements themselves.
"""

"""Proofs: what the synthesized policies can never allow, for every request that there is.

The way through: ``reading`` makes templates concrete and reads typed policies out of them,
``encoding`` refuses words that IAM does not know and says as formulas what IAM would decide,
``solving`` asks cvc5 about the statements in ``theorems``, and ``mutation`` asks whether those
would notice a mistake.
"""

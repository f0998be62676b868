"""Deployed: what stands in an account, held against what synthesis says should stand there.

``reading`` makes the calls, all of which read; ``standing`` puts what they found in the place of
what templates say; ``differences`` and ``others`` say in sentences what no theorem might notice;
``run`` is the command.
"""

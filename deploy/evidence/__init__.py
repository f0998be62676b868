"""The evidence of one environment: what judged it, what was found, and a page that says so.

The way through: ``gather`` synthesizes once and asks every judge, ``matrix`` says what that means
for each control, ``page`` writes it for readers, ``folder`` writes it all down and hashes it.
"""

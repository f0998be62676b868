"""Comparison: the requests to which one policy set gives another answer than its successor."""

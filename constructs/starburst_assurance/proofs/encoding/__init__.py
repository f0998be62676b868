"""From policies and requests to formulas."""

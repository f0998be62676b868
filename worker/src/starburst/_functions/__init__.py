"""The analyst's functions and what travels with them."""

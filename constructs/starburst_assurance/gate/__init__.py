"""The gate: every judge over every synthesis, minus waivers."""

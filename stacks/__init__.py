"""One module per stack; ``stage`` wires them into one environment."""

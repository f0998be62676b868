"""Logs, the trail, alarms, budgets, and who hears of them."""

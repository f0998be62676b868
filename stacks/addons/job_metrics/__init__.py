"""Job metrics: what each analyst, session and workspace cost, counted once, kept for years."""

from stacks.addons.job_metrics.addon import JobMetrics

__all__ = ["JobMetrics"]

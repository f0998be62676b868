"""The command ``python -m deploy.diff``: what a deployment would do, and whether it may."""

"""The log lake: what an environment's logs say, for years, as tables that Athena asks."""

from stacks.addons.log_lake.addon import LogLake

__all__ = ["LogLake"]

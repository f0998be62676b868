"""The trigger: waits for a burst in Airflow's triggerer, and starts nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from .bursts import Burst
from .hook import StarburstHook
from .releases import BaseTrigger, TriggerEvent
from .watching import stop, watch

__all__ = ["BurstTrigger"]

_CLASS_PATH: Final = "starburst.airflow.trigger.BurstTrigger"


class BurstTrigger(BaseTrigger):
    """Fires once all calls of a burst have ended. Nothing is started, however often it begins anew.

    It holds names alone, so that any triggerer can take it up: no function, no input, no secret.

    Args:
        burst: where the calls are: what `starburst.airflow.bursts.Burst.to_dict` returns.
        starburst_conn_id: the id of the Airflow connection.
        poll_seconds: between looks.
    """

    def __init__(
        self, *, burst: dict[str, Any], starburst_conn_id: str, poll_seconds: float = 5
    ) -> None:
        super().__init__()
        self.burst = burst
        self.starburst_conn_id = starburst_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer makes an equal one of."""
        return _CLASS_PATH, {
            "burst": self.burst,
            "starburst_conn_id": self.starburst_conn_id,
            "poll_seconds": self.poll_seconds,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the calls, then fire; what hinders waiting is in the event."""
        place = await StarburstHook(self.starburst_conn_id).aplace()
        trouble = await watch(place, Burst.of(self.burst), seconds=self.poll_seconds)
        yield TriggerEvent({**self.burst, "trouble": trouble})

    async def on_kill(self) -> None:
        """End the burst where a person fails or clears the deferred task (Airflow 3.3 or newer)."""
        await stop(await StarburstHook(self.starburst_conn_id).aplace(), Burst.of(self.burst))

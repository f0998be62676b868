"""A trigger that begins a session whenever it begins itself; where a triggerer can import it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import starburst
from starburst.airflow import BurstTrigger


class CarelessTrigger(BurstTrigger):
    """Waits for a burst, and begins another session, as one that holds no id would."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return its own class with what the other one has."""
        return "careless_trigger.CarelessTrigger", super().serialize()[1]

    async def run(self) -> AsyncIterator[Any]:
        """Begin a session, then wait."""
        await asyncio.to_thread(begin)
        async for event in super().run():
            yield event


def begin() -> None:
    """Begin a session, and leave it."""
    session = starburst.session(progress=False, workers=1, cpu=0.25, memory=0.5)
    session.submit(abs, -1)
    session.detach()

"""A process that comes to grief over certain seeds; light, since each is another interpreter."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection

from .seed_processes import Played

__all__ = ["serve"]


def serve(link: Connection) -> None:
    """Play seeds: 1 and 2 end the process, 3 hangs, 4 finds something wrong."""
    while True:
        try:
            seed = link.recv()
        except EOFError:
            return
        if seed == 1:
            os._exit(3)
        if seed == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if seed == 3:
            signal.pause()
        wrong = ["lost"] if seed == 4 else []
        link.send(Played(seed=seed, wrong=wrong, tasks=1))

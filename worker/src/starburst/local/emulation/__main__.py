"""The server's process: patch the emulator, then serve it on the socket that was handed over."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from starburst.errors import LocalEnvironmentError
from starburst.local.emulator import check_version

from . import image_packages, load_patches, tasks
from .entrance import entrance
from .patching import module
from .root_key import set_root_key
from .unkind_door import Door

__all__ = ["main"]


def main() -> None:
    """Read the configuration from standard input and serve until that closes."""
    configuration: Mapping[str, Any] = json.loads(sys.stdin.readline())
    try:
        check_version()
        set_root_key(configuration["root_key"], configuration["root_secret"])
        door = _door(configuration["unkind"])
        if door is not None:
            door.install()
        for patch in load_patches(without=tuple(configuration["without"])):
            patch.apply()
        if configuration["image"] is not None:
            image_packages.PATCH.apply()
            tasks.be_strict(Path(configuration["image"]))
        if door is not None:
            door.install_expiry()
    except LocalEnvironmentError as error:
        sys.exit(str(error))
    folder = Path(configuration["certificate"]).parent
    signal.signal(signal.SIGTERM, lambda *_: _exit(folder))
    threading.Thread(
        target=_exit_at_end_of_input, args=(folder,), name="lifeline", daemon=True
    ).start()
    asyncio.run(_serve(configuration, door))


def _door(unkind: Mapping[str, Any] | None) -> Door | None:
    """Return what makes the emulator unkind, where that is asked for."""
    return None if unkind is None else Door(seed=unkind["seed"], pace=unkind["pace"])


def _exit_at_end_of_input(folder: Path) -> None:
    """End when the guardian does, which alone holds the other end."""
    while sys.stdin.buffer.read(4096):
        pass
    _exit(folder)


def _exit(folder: Path) -> None:
    """Kill the workers, remove the folder and end, at once.

    An orderly TLS shutdown would take up to 30 s.
    """
    client = module("services.ecs")._docker
    if client is not None:
        client.containers.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


async def _serve(configuration: Mapping[str, Any], door: Door | None) -> None:
    config = Config()
    config.bind = [f"fd://{configuration['socket']}"]
    config.certfile = configuration["certificate"]
    config.keyfile = configuration["key"]
    config.keep_alive_timeout = 75
    config.backlog = 512
    config.loglevel = "WARNING"
    config.alpn_protocols = ["http/1.1"]
    host = os.environ["AWS_ENDPOINT_URL"].removeprefix("https://")
    await serve(entrance(module("app").app, host=host, door=door), config)


if __name__ == "__main__":
    main()

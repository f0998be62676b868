"""The fuzzing process: coverage-guided by atheris where it is installed, else by outcomes alone.

What is fuzzed is imported late: atheris must see it being imported.
"""

from __future__ import annotations

import importlib.util
import json
import mmap
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .watch import Finding, Watch

__all__ = ["CURRENT", "LONGEST", "STATS", "guided", "run", "sweep"]

CURRENT: Final = "current"
"""The file that holds the input in hand, so that a crash has a culprit."""

STATS: Final = "stats.json"
LONGEST: Final = 1 << 16
_MEMORY: Final = 1 << 30
"""What a process may allocate beyond what its libraries have mapped."""

_OWN: Final = 0.25
"""Share of inputs that libFuzzer's own mutations make."""

_FRESH: Final = 0.55
"""Up to this share, a seed of a door drawn at random is changed; beyond, what was kept."""

_FLUSH_SECONDS: Final = 2.0
_POOL: Final = 400


def guided() -> bool:
    """Whether a coverage-guided fuzzer is installed."""
    return importlib.util.find_spec("atheris") is not None


class _Log:
    """What a process leaves behind: counts, the input in hand, and findings, one file each."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder = folder
        self._names = names
        self.counts: Counter[str] = Counter()
        self._flushed = time.monotonic()
        with (folder / CURRENT).open("wb") as file:
            file.truncate(LONGEST + 8)
        with (folder / CURRENT).open("r+b") as file:
            self._current = mmap.mmap(file.fileno(), LONGEST + 8)

    def begin(self, name: str, data: bytes) -> None:
        self._current[:8] = self._names.index(name).to_bytes(4, "big") + len(data).to_bytes(4)
        self._current[8 : 8 + len(data)] = data
        self.counts[name] += 1

    def end(self, data: bytes, finding: Finding | None) -> None:
        if finding is not None:
            label = "".join(c if c.isalnum() else "-" for c in f"{finding.door} {finding.what}")
            path = self._folder / f"finding-{label[:120]}"
            if not path.exists():
                path.with_suffix(".txt").write_text(finding.detail, errors="backslashreplace")
                path.write_bytes(data)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        self._flushed = time.monotonic()
        (self._folder / STATS).write_text(json.dumps(self.counts))


def run(folder: Path, *, seconds: float, seed: int) -> None:
    """Fuzz every door in this process, which may die of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if guided():
        _run_guided(folder, seconds=seconds, seed=seed)
        return
    from .seeds import seeds  # noqa: PLC0415 - see above, here and below
    from .watch import Watch  # noqa: PLC0415

    watch = Watch()
    _limit_memory()
    log = _Log(folder, list(seeds()))

    def one(name: str, data: bytes) -> Finding | None:
        log.begin(name, data)
        finding = watch.read(name, data)
        log.end(data, finding)
        return finding

    sweep(one, seconds=seconds, seed=seed)
    log.flush()


def sweep(
    one: Callable[[str, bytes], Finding | None],
    *,
    seconds: float = float("inf"),
    count: int = sys.maxsize,
    seed: int,
) -> int:
    """Feed ``one`` with mutations of every door's seeds, in turn; return how many those were.

    Args:
        one: reads bytes through a door.
        seconds: for how long at most.
        count: how many at most.
        seed: of all chance in it.
    """
    from .mutation import mutate  # noqa: PLC0415
    from .seeds import seeds  # noqa: PLC0415

    draw = random.Random(seed)  # noqa: S311 - so that a run repeats
    pools = {name: list(each) for name, each in seeds().items()}
    names = list(pools)
    seen: set[tuple[str, str]] = set()
    until = time.monotonic() + seconds
    done = 0
    while done < count and time.monotonic() < until:
        name = names[done % len(names)]
        pool = pools[name]
        data = mutate(draw.choice(pool), draw, pool, most=LONGEST)
        finding = one(name, data)
        done += 1
        mark = (name, finding.what if finding else str(len(data) >> 6))
        if mark not in seen and len(pool) < _POOL:  # what ends in a new way is built upon
            seen.add(mark)
            pool.append(data)
    return done


def _run_guided(folder: Path, *, seconds: float, seed: int) -> None:
    atheris: Any = __import__("atheris")
    with atheris.instrument_imports(include=["starburst"]):
        from .mutation import mutate  # noqa: PLC0415
        from .seeds import seeds  # noqa: PLC0415
        from .watch import Watch  # noqa: PLC0415

        watch: Watch = Watch()
    pools = seeds()
    names = list(pools)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        for each, data in enumerate(pools[name]):
            (corpus / f"seed-{name}-{each}").write_bytes(bytes([number]) + data)
    log = _Log(folder, names)

    def one(framed: bytes) -> None:
        if not framed:
            return
        name, data = names[framed[0] % len(names)], framed[1 : LONGEST + 1]
        log.begin(name, data)
        log.end(data, watch.read(name, data))

    def change(framed: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)  # noqa: S311
        chance = draw.random()
        if framed and chance < _OWN:
            return bytes(atheris.Mutate(framed, most))
        number, data = framed[0] % len(names) if framed else 0, framed[1:]
        if not framed or chance < _FRESH:  # else the doors with the most code get all the work
            number = draw.randrange(len(names))
            data = draw.choice(pools[names[number]])
        mutated = mutate(data, draw, list(pools[names[number]]), most=most - 1)
        return bytes([number]) + mutated

    _limit_memory()
    arguments = [
        *(sys.argv[0], f"-max_total_time={max(1, int(seconds))}", f"-seed={seed}"),
        *(f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=0", f"-artifact_prefix={folder}/"),
        str(corpus),
    ]
    atheris.Setup(arguments, one, custom_mutator=change)
    atheris.Fuzz()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    run(Path(sys.argv[1]), seconds=float(sys.argv[2]), seed=int(sys.argv[3]))

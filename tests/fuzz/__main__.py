"""``make fuzz SECONDS=3600``: feed every reader of foreign bytes with what an attacker could send.

A process fuzzes; this one starts it anew when it dies, and keeps what it died of. Findings are
files in the folder that is printed; each is an input, and beside it what happened.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from .doors import DOORS
from .engine import CURRENT, STATS, guided
from .watch import Watch


def main() -> int:
    """Fuzz for some seconds; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for how long")
    parser.add_argument("--seed", type=int, default=1, help="of all chance; a run repeats")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="for findings")
    parser.add_argument("--replay", type=Path, help="read one finding's input again")
    words = parser.parse_args()
    if words.replay:
        name = words.replay.name.split("-")[1]
        found = Watch().read(name, words.replay.read_bytes())
        print(found.detail if found else f"{name}: nothing wrong")
        return 1 if found else 0
    return _watch_over(words.folder, seconds=words.seconds, seed=words.seed)


def _watch_over(folder: Path, *, seconds: float, seed: int) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    counts: Counter[str] = Counter()
    processes = deaths = 0
    while (left := began + seconds - time.monotonic()) > 1:
        processes += 1
        (folder / STATS).unlink(missing_ok=True)
        command = [sys.executable, "-m", f"{__package__}.engine"]
        command += [str(folder), str(left), str(seed + processes)]
        with (folder / "log").open("ab") as log:
            code = subprocess.call(command, stdout=log, stderr=log)  # noqa: S603 - our own module
        if (folder / STATS).exists():
            counts.update(json.loads((folder / STATS).read_text()))
        if code:
            deaths += 1
            _keep(folder, f"finding-{_door(folder)}-death-{processes}-code{code}")
    findings = sorted(p for p in folder.glob("finding-*") if p.suffix != ".txt")
    spent = time.monotonic() - began
    how = "atheris" if guided() else "outcomes"
    print(f"{sum(counts.values()):,} inputs in {spent:,.0f} s, guided by {how}, seed {seed}")
    print(", ".join(f"{name} {counts[name]:,}" for name in DOORS))
    coverage = re.findall(
        r"cov: (\d+) ft: (\d+) corp: (\d+)", (folder / "log").read_text("utf-8", "replace")
    )
    if coverage:
        print("coverage: {} edges, {} features, {} inputs kept".format(*coverage[-1]))
    print(f"{processes} processes, {deaths} of which died; {len(findings)} findings in {folder}")
    for path in findings:
        print(f"  {path.name}")
    return 1 if findings else 0


def _door(folder: Path) -> str:
    held = (folder / CURRENT).read_bytes() if (folder / CURRENT).exists() else bytes(8)
    return list(DOORS)[int.from_bytes(held[:4], "big")]


def _keep(folder: Path, name: str) -> None:
    if (folder / CURRENT).exists():
        held = (folder / CURRENT).read_bytes()
        (folder / name).write_bytes(held[8 : 8 + int.from_bytes(held[4:8], "big")])


if __name__ == "__main__":
    sys.exit(main())

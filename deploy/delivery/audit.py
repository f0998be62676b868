"""Ask who knows a weakness of what both lock files name: ``make audit`` (A18).

What could not be asked is no answer: without a network, or where a registry answers otherwise than
it should, this says so in a sentence and fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.tools.cdk import ROOT
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["CLEAN", "UNASKED", "WEAK", "Answer", "ask_npm", "ask_uv", "main"]

CLEAN: Final = 0
WEAK: Final = 1
UNASKED: Final = 2

_SECONDS: Final = 300
_UV_FOUND: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is known of one lock file.

    Attributes:
        lock: its name.
        found: a sentence for each weakness; none where there is none.
        unasked: why nobody could be asked; empty where somebody answered.
    """

    lock: str
    found: tuple[str, ...] = ()
    unasked: str = ""

    @property
    def code(self) -> int:
        """The exit code that stands for it."""
        return UNASKED if self.unasked else WEAK if self.found else CLEAN

    def __str__(self) -> str:
        """Return it as lines for people."""
        if self.unasked:
            return (
                f"{self.lock}: nobody could be asked, so nothing is known of it: {self.unasked}. "
                "Open the network to the service, or run this where it is open"
            )
        if not self.found:
            return f"{self.lock}: no known weakness"
        return "\n".join(f"{self.lock}: {one}" for one in self.found)


def ask_uv(root: Path = ROOT, *, service: str | None = None) -> Answer:
    """Ask OSV of all that ``uv.lock`` names, groups and extras included.

    Args:
        root: where the lock is.
        service: another address of OSV's interface.
    """
    words = ["uv", "audit", "--frozen", "--preview-features", "audit-command"]
    words += ["--output-format", "json", *(["--service-url", service] if service else [])]
    done = _run(words, root)
    if isinstance(done, str):
        return Answer(lock="uv.lock", unasked=done)
    report = _json(done.stdout)
    if done.returncode not in (CLEAN, _UV_FOUND) or report is None:
        return Answer(lock="uv.lock", unasked=_last(done.stderr))
    found = tuple(dict.fromkeys(_weak_in_uv(report)))
    if bool(found) != bool(done.returncode):
        return Answer(lock="uv.lock", unasked="uv audit answered in a form that this cannot read")
    return Answer(lock="uv.lock", found=found)


def ask_npm(root: Path = ROOT, *, registry: str | None = None) -> Answer:
    """Ask npm's registry of all that ``package-lock.json`` names.

    Args:
        root: where the lock is.
        registry: another address of it.
    """
    words = ["npm", "audit", "--package-lock-only", "--json"]
    done = _run([*words, *(["--registry", registry] if registry else [])], root)
    if isinstance(done, str):
        return Answer(lock="package-lock.json", unasked=done)
    report = _json(done.stdout)
    if report is None or "vulnerabilities" not in report:
        said = (report or {}).get("message") or (report or {}).get("error") or _last(done.stderr)
        return Answer(lock="package-lock.json", unasked=one_line(str(said)))
    found = tuple(_weak_in_npm(report["vulnerabilities"]))
    return Answer(lock="package-lock.json", found=found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask of both, say what is known, and return 1 for a weakness, 2 where nobody answered."""
    parser = argparse.ArgumentParser(prog="python -m deploy.delivery.audit", description=__doc__)
    parser.add_argument("--osv", help="another address of OSV's interface")
    parser.add_argument("--npm", help="another address of npm's registry")
    parser.add_argument("--root", type=Path, default=ROOT, help="where the lock files are")
    words = parser.parse_args(arguments)
    answers = (
        ask_uv(words.root, service=words.osv),
        ask_npm(words.root, registry=words.npm),
    )
    for answer in answers:
        for line in str(answer).splitlines():
            tell(one_line(line), sys.stderr if answer.code else sys.stdout)
    codes = {answer.code for answer in answers}
    # A weakness that is known weighs more than what is not known.
    return WEAK if WEAK in codes else max(codes)


def _run(words: Sequence[str], root: Path) -> subprocess.CompletedProcess[str] | str:
    program = Path(sys.executable).with_name(words[0])
    environment = {**os.environ, "NO_COLOR": "1", "UV_HTTP_RETRIES": "0"}
    environment |= {"npm_config_fetch_retries": "0", "npm_config_update_notifier": "false"}
    try:
        return subprocess.run(  # noqa: S603 - our own command line
            [str(program), *words[1:]],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except FileNotFoundError:
        return f"{words[0]} is not installed beside {sys.executable}; make setup installs it"
    except subprocess.TimeoutExpired:
        return f"{words[0]} had no answer within {_SECONDS} seconds"


def _json(text: str) -> dict[str, Any] | None:
    try:
        read = json.loads(text)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("warning:", "npm warn"))]
    return one_line("; ".join(lines[-2:])) or "it said nothing"


def _weak_in_uv(report: Mapping[str, Any]) -> Iterator[str]:
    for one in report.get("vulnerabilities", ()):
        package = one.get("dependency", {})
        fixed = ", ".join(one.get("fix_versions") or ())
        after = f"; fixed in {fixed}" if fixed else "; not fixed yet"
        name = f"{package.get('name')} {package.get('version')}"
        yield one_line(f"{name} has {one.get('display_id') or one.get('id')}{after}")

    for one in report.get("adverse_statuses", ()):
        package = one.get("dependency", one)
        name = f"{package.get('name')} {package.get('version', '')}".strip()
        yield one_line(f"{name} is {one.get('status', 'withdrawn')} at its index")


def _weak_in_npm(vulnerabilities: Mapping[str, Any]) -> Iterator[str]:
    for name, one in vulnerabilities.items():
        fixed = "; a fixed version exists" if one.get("fixAvailable") else "; not fixed yet"
        titles = [via["title"] for via in one.get("via", ()) if isinstance(via, dict)]
        why = titles[0] if titles else f"by {', '.join(map(str, one.get('via', ())))}"
        which = f"{name} {one.get('range') or ''}".strip()
        yield one_line(f"{which} is {one.get('severity')}: {why}{fixed}")


if __name__ == "__main__":
    raise SystemExit(main())

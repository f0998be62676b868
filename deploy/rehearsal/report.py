"""What a first day says: in the terminal, and in the two files to send back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.incident.command import as_json
from deploy.rehearsal.asking.check import FAILED, Finding

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Report", "lines_of", "masked"]

_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_KEY_ID: Final = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")


def masked(text: str, *, accounts: bool) -> str:
    """Return text without e-mail addresses and key ids; without account numbers where asked.

    Each account keeps a number of its own, so that two can be told apart.

    Args:
        text: to send.
        accounts: hide account numbers too.

    Example:
        >>> masked("111122223333 told 444455556666 and 111122223333", accounts=True)
        '<account 1> told <account 2> and <account 1>'
    """
    text = _KEY_ID.sub("<key id>", _ADDRESS.sub("<address>", text))
    if not accounts:
        return text
    seen: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"<account {len(seen) + 1}>")

    return _ACCOUNT.sub(name, text)


def lines_of(finding: Finding) -> Iterator[str]:
    """Yield a finding as a person reads it."""
    yield f"{finding.name}: {finding.verdict} ({finding.seconds:.0f} s)"
    for sign, lines in (
        ("+", finding.answer.held),
        ("-", finding.answer.failed),
        ("?", finding.answer.pending),
    ):
        yield from (f"  {sign} {line}" for line in lines)
    if finding.verdict in FAILED:
        yield f"  asked: {finding.asks}"
        yield f"  why it matters: {finding.why}"
        yield from (f"  source: {source}" for source in finding.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One first day.

    Attributes:
        chosen: the environment that was tried.
        name: of the throw-away one.
        began: seconds since the epoch.
        seconds: how long it took.
        usd: what it cost at list price, but what is billed by use.
        differences: what the throw-away one had otherwise.
        findings: what was found.
        interrupted: why it ended early; empty where it did not.
    """

    chosen: Environment
    name: str
    began: float
    seconds: float
    usd: float
    differences: Sequence[str]
    findings: Sequence[Finding]
    interrupted: str = ""

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What somebody must look at."""
        return tuple(each for each in self.findings if each.verdict in FAILED)

    def document(self) -> Mapping[str, Any]:
        """Return it as JSON has it."""
        return {
            "schema": 1,
            "starburst": version("starburst"),
            "environment": self.chosen.name,
            "throw_away": self.name,
            "account": self.chosen.account,
            "region": self.chosen.region,
            "began": self._began().isoformat(),
            "seconds": round(self.seconds),
            "usd": round(self.usd, 3),
            "interrupted": self.interrupted,
            "differences": list(self.differences),
            "findings": [
                {
                    "name": each.name,
                    "asks": each.asks,
                    "why": each.why,
                    "sources": list(each.sources),
                    "verdict": each.verdict,
                    "held": list(each.answer.held),
                    "did_not_hold": list(each.answer.failed),
                    "not_settled": list(each.answer.pending),
                    "facts": each.answer.facts,
                    "seconds": round(each.seconds, 1),
                }
                for each in self.findings
            ],
        }

    def text(self) -> str:
        """Return it as people read it, what did not hold first."""
        where = f"{self.chosen.account}, {self.chosen.region}"
        when = f"{self._began():%Y-%m-%d %H:%M} UTC"
        spent = f"{self.usd:.2f} USD at list price, and what is billed by use"
        lines = [
            f"First day of {self.chosen.name} ({where}) by {self.name}, {when}",
            f"{self.seconds / 60:.0f} minutes, {spent}",
            *([f"It ended early: {self.interrupted}"] if self.interrupted else []),
        ]
        good = [each for each in self.findings if each.verdict not in FAILED]
        for title, findings in (("To look at", self.failed), ("The rest", good)):
            if findings:
                lines += ["", f"{title}:", ""]
                lines += [line for each in findings for line in lines_of(each)]
        lines += ["", "The throw-away environment differed:", ""]
        lines += [f"  - {each}" for each in self.differences]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path, *, accounts: bool) -> tuple[Path, Path]:
        """Write both files, for nobody else to read; return their paths.

        Args:
            folder: where.
            accounts: hide account numbers.
        """
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.chosen.name}-{self._began():%Y%m%dT%H%M%SZ}"
        document = masked(as_json(self.document()), accounts=accounts)
        json.loads(document)  # masking leaves it readable, or says so here
        paths = folder / f"{stem}.json", folder / f"{stem}.txt"
        for path, text in zip(
            paths, (document + "\n", masked(self.text(), accounts=accounts)), strict=True
        ):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        return paths

    def _began(self) -> datetime:
        return datetime.fromtimestamp(self.began, UTC)

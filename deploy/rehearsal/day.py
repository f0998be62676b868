"""The course of a first day: deploy, ask, destroy, tell; whatever happens, nothing stays unseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.incident.command import complain, say
from deploy.rehearsal.asking.ask_all import ask_all
from deploy.rehearsal.asking.check import Check, Finding
from deploy.rehearsal.asking.clock import Clock
from deploy.rehearsal.asking.subject import Subject
from deploy.rehearsal.cost import Cost
from deploy.rehearsal.deployment import Deployment
from deploy.rehearsal.derive import DIFFERENCES
from deploy.rehearsal.report import Report, lines_of
from deploy.rehearsal.unfinished import Unfinished

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["GONE", "HELD", "REFUSED", "STAYS", "Day"]

HELD: Final = 0
"""All held, and everything is gone again."""

GONE: Final = 1
"""Something did not hold; everything is gone again."""

REFUSED: Final = 2
"""Nothing was created."""

STAYS: Final = 3
"""Something of the throw-away environment is still there."""


@dataclass(slots=True, kw_only=True)
class Day:
    """One first day.

    Attributes:
        chosen: the environment that is tried.
        deployment: of the throw-away one.
        subject: makes what is asked of what was deployed.
        checks: what is asked.
        cost: what it costs at most.
        record: its word in a file, until all is gone.
        folder: for that file and the report.
        accounts: hide account numbers in the report.
        ask: prints a question and returns what was typed.
        clock: the time.
    """

    chosen: Environment
    deployment: Deployment
    subject: Callable[[Environment], Subject]
    checks: Sequence[Check]
    cost: Cost
    record: Unfinished
    folder: Path
    accounts: bool
    ask: Callable[[str], str] = input
    clock: Clock = field(default_factory=Clock)
    _findings: list[Finding] = field(default_factory=list)
    _began: float = 0.0
    _start: float = 0.0
    _early: str = ""

    def run(self, *, workers: bool) -> int:
        """Live it; return the process's exit code.

        Args:
            workers: whether there shall be workers.
        """
        self._began, self._start = self.clock.wall(), self.clock.now()
        try:
            self.record.write(self.folder)
        except OSError as error:
            complain(
                f"{self.folder} cannot be written to ({error}), and a crash would lose what was "
                "deployed; nothing was created. Name another with --folder"
            )
            return REFUSED
        try:
            self._deploy_and_ask(workers=workers)
        except KeyboardInterrupt:
            self._early = "interrupted"
        except Exception as error:  # a crash must not keep the way out from being offered
            self._early = f"{type(error).__name__}: {error}"
        if self._early:
            self.tell(f"It ends early: {self._early}")
        return self.finish()

    def finish(self) -> int:
        """Destroy what there is, where nobody says no; write the report; return the exit code."""
        self._began = self._began or self.clock.wall()
        self._start = self._start or self.clock.now()
        gone = self._agreed() and self._destroy()
        if gone:
            self.record.remove(self.folder)
        report = self._report()
        for title in self._summary(report):
            say(title)
        try:
            paths = report.write(self.folder, accounts=self.accounts)
            say(f"Send back: {paths[0]} and {paths[1]}")
        except OSError as error:  # what is left matters more than its report
            self._early = f"the report could not be written: {error}"
            say(self._early)
        if not gone:
            say(
                f"{self.record.name} is still there, and costs money. Finish it: python -m "
                f"deploy.first_day --environment {self.chosen.name} --destroy-only"
            )
            return STAYS
        return GONE if report.failed or self._early else HELD

    def tell(self, text: str) -> None:
        """Print a line behind the time and the cost so far."""
        seconds = self.clock.now() - self._start
        minutes, rest = divmod(int(seconds), 60)
        say(f"[{minutes:3}:{rest:02}, {self._usd():.2f} USD] {text}")

    def _deploy_and_ask(self, *, workers: bool) -> None:
        self.tell(f"deploying {self.record.name}; Ctrl-C ends it, and offers to destroy it")
        deployed = self.deployment.deploy(workers=workers)
        self._found(deployed)
        if deployed.answer.failed:
            return
        subject = self.subject(self.deployment.environment)
        asked: list[Finding] = []
        before = list(self._findings)
        try:
            ask_all(
                self.checks,
                subject,
                begins=lambda check: self.tell(f"{check.name}: {check.asks}"),
                tells=self._show,
                found=asked,
            )
        finally:
            self._findings = [*before, *asked]

    def _agreed(self) -> bool:
        if not self._early:
            return True
        try:
            typed = self.ask(f"Destroy {self.record.name} now? [Y/n] ")
        except (EOFError, KeyboardInterrupt):
            # Nobody is there who could say no, and it costs money.
            typed = ""
        return typed.strip().lower() not in ("n", "no")

    def _destroy(self) -> bool:
        self.tell(f"destroying {self.record.name}")
        try:
            finding = self.deployment.destroy()
        except KeyboardInterrupt:
            self._early = "interrupted while it was destroyed"
            return False
        self._found(finding)
        return not finding.answer.failed

    def _found(self, finding: Finding) -> None:
        self._findings.append(finding)
        self._show(finding)

    def _show(self, finding: Finding) -> None:
        first, *rest = lines_of(finding)
        self.tell(first)
        for line in rest:
            say(line)

    def _usd(self) -> float:
        spent = sum(
            float(usd)
            for each in self._findings
            if isinstance(usd := each.answer.facts.get("usd"), int | float)
        )
        return self.cost.standing(self.clock.now() - self._start) + spent

    def _report(self) -> Report:
        return Report(
            chosen=self.chosen,
            name=self.record.name,
            began=self._began,
            seconds=self.clock.now() - self._start,
            usd=self._usd(),
            differences=DIFFERENCES,
            findings=self._findings,
            interrupted=self._early,
        )

    def _summary(self, report: Report) -> list[str]:
        held = sum(each.verdict == "held" for each in report.findings)
        skipped = sum(each.verdict == "not asked" for each in report.findings)
        failed = ", ".join(each.name for each in report.failed)
        not_asked = f", {skipped} not asked" if skipped else ""
        return [
            f"{held} of {len(report.findings)} held{not_asked}; to look at: {failed or 'nothing'}"
        ]

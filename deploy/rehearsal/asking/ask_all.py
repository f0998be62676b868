"""Asks every question in turn: what fails stops no other, and what takes time is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from deploy.rehearsal.asking.check import Answer, Check, Finding
from deploy.rehearsal.asking.subject import Subject
from starburst.aws.calls import words_of

__all__ = ["ask_all"]

PAUSE: Final = 10.0
"""Seconds between two looks at what AWS has not settled."""


def ask_all(
    checks: Iterable[Check],
    subject: Subject,
    *,
    begins: Callable[[Check], None] = lambda check: None,
    tells: Callable[[Finding], None] = lambda finding: None,
    found: list[Finding] | None = None,
) -> list[Finding]:
    """Ask each question; return what became of them, in their order.

    What is pending is asked again when all others are done, so that nobody waits for a trail while
    workers could run.

    Args:
        checks: in the order that finds most.
        subject: what is asked.
        begins: told before each question.
        tells: told of each finding that is final.
        found: filled as it goes, so that an interruption loses nothing.
    """
    order = list(checks)
    done: dict[str, Finding] = {}
    into = [] if found is None else found

    def settle(finding: Finding) -> None:
        done[finding.name] = finding
        into[:] = [done[check.name] for check in order if check.name in done]
        tells(finding)

    waiting: list[tuple[Check, float]] = []
    for check in order:
        start = subject.clock.now()
        begins(check)
        finding = _ask(check, subject, start)
        if finding.verdict == "not settled" and check.within:
            waiting.append((check, start))
        else:
            settle(finding)
    for check, start in waiting:
        begins(check)
        finding = _ask(check, subject, start)
        while finding.verdict == "not settled" and subject.clock.now() - start < check.within:
            subject.clock.sleep(PAUSE)
            finding = _ask(check, subject, start)
        settle(finding)
    return into


def _ask(check: Check, subject: Subject, start: float) -> Finding:
    skipped = check.skipped(subject)
    if skipped:
        return Finding.of(check, Answer(held=(skipped,)), seconds=0, verdict="not asked")
    try:
        answer = check.look(subject)
    except (ClientError, BotoCoreError) as error:
        return _broken(check, words_of(error), subject.clock.now() - start)
    except Exception as error:  # whatever it is, the next question must be asked
        words = f"{type(error).__name__}: {error}"
        return _broken(check, words, subject.clock.now() - start)
    return Finding.of(check, answer, seconds=subject.clock.now() - start)


def _broken(check: Check, words: str, seconds: float) -> Finding:
    answer = Answer(failed=(words,))
    return Finding.of(check, answer, seconds=seconds, verdict="could not be asked")

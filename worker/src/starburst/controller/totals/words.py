"""Who holds what, in one sentence that helps an analyst on and tells no secret. Pure.

Sessions of the same workspace are named, with their users. Of the environment's totals the
workspaces are named, and nobody in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from .book import Book
from .days import clock_words
from .grants import Ask, Grant
from .judging import Over, Scope, fitting_workers, within
from .waiting import Standing

__all__ = ["full_words", "refusal_words", "sentences"]

_MOST: Final = 3


def refusal_words(
    stands: Standing, book: Book, ask: Ask, *, session: str, now: float, waited: float = 0
) -> str:
    """Return why a session may not start, and what to do next.

    Args:
        stands: how it stands.
        book: who holds what.
        ask: what it asks for.
        session: its id.
        now: the time.
        waited: for how long it has waited for room.
    """
    said = full_words(stands, book, session=session, now=now)
    if waited:
        said = f"it has waited {waited:.0f} s for room: {said}"
    return f"{said}: {_advice(stands, ask, may_wait=not waited)}"


def full_words(stands: Standing, book: Book, *, session: str, now: float) -> str:
    """Return what is full, and who holds it."""
    said = sentences(stands, book, session=session, now=now)
    more = [f"and {len(said) - _MOST} totals more"] if len(said) > _MOST else []
    return "; ".join([*said[:_MOST], *more])


def sentences(stands: Standing, book: Book, *, session: str, now: float) -> list[str]:
    """Return one sentence for each total that is in the way, or one on those who wait before it."""
    others = {name: grant for name, grant in book.grants.items() if name != session}
    overs = [each for each in stands.overs if each.alone] or stands.overs
    said = [_alone(each) if each.alone else _full(each, others, now=now) for each in overs]
    if not said and stands.ahead:
        count = len(stands.ahead)
        said = [
            f"{count} session{'s' * (count != 1)} in front of it "
            f"{'wait' if count != 1 else 'waits'} for room, and nobody overtakes"
        ]
    return said


def _full(over: Over, grants: Mapping[str, Grant], *, now: float) -> str:
    held = {
        name: (grant, amount)
        for name, grant in grants.items()
        if within(over.scope, workspace=grant.ask.workspace, user=grant.ask.user)
        and (amount := _amount(over, grant)) > 0
    }
    what = f"{_shown(over, over.used)} of {_whose(over.scope)} {_shown(over, over.allowed)}"
    what = f"{what}{_unit(over)} are"
    if not held:
        return f"{what} spent"
    what = f"{what} {'spent or held' if over.span else 'held'} by"
    if over.scope.kind != "environment":
        name, (grant, amount) = max(held.items(), key=lambda item: item[1][1])
        of = (
            f"of {grant.ask.user}"
            if over.scope.kind == "workspace"
            else f"in {grant.ask.workspace}"
        )
        holder = f"session {name} {of}, which ends by {clock_words(grant.until, now=now)}"
    else:
        by: defaultdict[str, float] = defaultdict(float)
        for grant, usage in held.values():
            by[grant.ask.workspace] += usage
        most = max(by, key=lambda name: by[name])
        holder, amount = f"workspace {most}", by[most]
    if len(held) == 1:
        return f"{what} {holder}"
    return f"{what} {len(held):,} sessions, {_shown(over, amount)} of them by {holder}"


def _alone(over: Over) -> str:
    asks = f"the session asks for {_shown(over, over.wanted)}{_unit(over)}"
    if over.span:
        asks = f"the session may cost {_shown(over, over.wanted)} by its deadline{_unit(over)}"
    together = "all sessions together" if over.scope.kind == "environment" else ""
    together = together or f"all sessions of {over.scope.kind} {over.scope.name} together"
    return f"{asks}, and {together} may have {_shown(over, over.allowed)}"


def _advice(stands: Standing, ask: Ask, *, may_wait: bool) -> str:
    overs = () if stands.ahead else stands.overs
    ways: list[str] = []
    workers = fitting_workers(overs) if overs else 0
    if 0 < workers < ask.workers:
        ways.append(f"ask for at most {workers:,} worker{'s' * (workers != 1)}")
    room = int(100 * min((each.room for each in overs), default=0.0)) / 100
    if overs and all(each.span for each in overs) and room:
        ways.append(f"ask for max_usd={room:g} or a shorter session_timeout")
    if stands.never:
        ways = ways or ["ask the platform team to raise that total"]
    elif may_wait:
        ways = [*(ways or ["ask again later"]), "wait=600 to queue"]
    return ", or ".join(ways or ["ask again later"])


def _amount(over: Over, grant: Grant) -> float:
    if over.span is not None:
        return grant.ask.usd_within(over.span, grant.since, grant.until)
    return 1.0 if over.total == "sessions" else float(getattr(grant.ask, over.total))


def _whose(scope: Scope) -> str:
    if scope.kind == "environment":
        return "the environment's"
    return f"{scope.name}'" if scope.name.endswith("s") else f"{scope.name}'s"


def _shown(over: Over, amount: float) -> str:
    return f"${amount:,.2f}" if over.total.startswith("usd") else f"{round(amount, 2):,g}"


def _unit(over: Over) -> str:
    if over.span is not None:
        return f" {'on' if over.span.is_day else 'in'} {over.span.words} (UTC)"
    return {
        "sessions": " sessions",
        "workers": " workers",
        "vcpu": " vCPU",
        "memory_gb": " GB of memory",
        "usd_per_hour": " per hour",
    }[over.total]

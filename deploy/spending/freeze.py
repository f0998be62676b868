"""Let no new session start, in a workspace or in all: ``python -m deploy.freeze`` (A1).

The controller refuses every start from then on, and tells analysts who said so, since when and why.
What runs goes on to its end, unless ``--end`` ends it. ``--undo`` thaws.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    apply_options,
    caller,
    conclude,
    options,
    say,
    scope,
    shown,
    write_new,
)
from deploy.incident.records import locker, try_lock
from deploy.incident.steps import Steps
from deploy.spending.officers import EVERYTHING, ask, freezes
from starburst_constructs.policies.incident_response import freezer_document

__all__ = ["main"]

_LONGEST: Final = 200


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show, freeze or thaw; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("freeze", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = scope(words)
    if words.permission:
        clients = clients or about.clients()
        where = locker(about.environment, clients)
        shown(freezer_document(about.environment.name, locker=where, placement=about.placement))
        return
    _check(words)
    if not words.apply:
        for line in _would(about, words):
            say(line)
        say("Nothing was changed. Add --apply to do it.")
        return
    clients = clients or about.clients()
    now, verb = datetime.now(UTC), "thaw" if words.undo else "freeze"
    path = words.record or Path(f"{verb}-{about.environment.name}-{now:%Y%m%dT%H%M%SZ}.json")
    steps = Steps("freeze")
    by = steps.take("write down who asks", partial(caller, clients("sts")))
    record = {
        "what": f"before {'thawing' if words.undo else 'freezing'} {about}",
        "by": by,
        "at": now.isoformat(),
        "reason": words.reason,
        "end": words.end,
    }
    write_new(path, record)
    with contextlib.redirect_stdout(sys.stderr) if words.json else contextlib.nullcontext():
        # Nothing may keep spending from being stopped, so the locked copy is told of at the end.
        wrong = try_lock(about, clients, verb, record)
        answers = _each(about, clients, words, by=by or "an officer", steps=steps)
    if words.json:
        shown({"answers": answers})
    else:
        for line in _told(about, answers, undone=words.undo):
            say(line)
    steps.end(f"{about} is {'thawed' if words.undo else 'frozen'}", besides=wrong)


def _check(words: argparse.Namespace) -> None:
    if words.undo and words.end:
        raise IncidentError("--end is about freezing; what ended stays ended. Leave it out")
    if not words.undo and not words.reason.strip():
        raise IncidentError("say why, which analysts are told: --reason TEXT; nothing was done")
    if len(words.reason) > _LONGEST or not words.reason.isprintable():
        raise IncidentError(
            f"--reason takes one line of {_LONGEST} printable characters at most; nothing was done"
        )


def _places(about: Scope) -> tuple[str | None, ...]:
    """Return what is frozen each by itself: None for all workspaces, those to come too."""
    return (None,) if about.whole else about.workspaces


def _each(
    about: Scope, clients: Clients, words: argparse.Namespace, *, by: str, steps: Steps
) -> list[dict[str, Any]]:
    terms: dict[str, object] = {"why": words.reason, "by": by}
    if not words.undo:
        terms["end"] = words.end
    found = []
    for place in _places(about):
        what = f"{'thaw' if words.undo else 'freeze'} {place or 'all workspaces'}"
        asking = partial(
            ask, about, clients, "thaw" if words.undo else "freeze", workspace=place, **terms
        )
        answer = steps.take(what, asking)
        if answer is not None:
            found.append({"workspace": place or EVERYTHING, **answer})
    return found


def _would(about: Scope, words: argparse.Namespace) -> Iterator[str]:
    for place in _places(about):
        what = place or "every workspace"
        if words.undo:
            yield f"would thaw {what} of {about.environment.name}: sessions may start again"
            continue
        yield f"would freeze {what} of {about.environment.name}: no new session starts"
        yield f"would tell analysts: {words.reason}"
        yield (
            f"would end every session that runs in {what}; results so far are kept"
            if words.end
            else "what runs would go on to its end; --end ends it"
        )


def _told(about: Scope, answers: Sequence[dict[str, Any]], *, undone: bool) -> Iterator[str]:
    for answer in answers:
        what = "every workspace" if answer["workspace"] == EVERYTHING else answer["workspace"]
        if undone:
            changed = answer.get("thawed")
            yield f"{what}: {'thawed' if changed != [] else 'was not frozen by itself'}"
            continue
        ending = answer.get("ending", 0)
        yield f"{what}: no new session starts; running sessions that were told to end: {ending}"
    if not answers:
        return
    left = freezes(answers[-1])
    for one in left:
        if undone or one.workspace == EVERYTHING or one.workspace in about.workspaces:
            yield str(one)
    if undone and not left:
        yield f"Nothing of {about.environment.name} is frozen now."


def _options() -> argparse.ArgumentParser:
    parser = options("freeze", "Let no new session start, until it is taken back.", user=False)
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="analysts are told it; one line"
    )
    parser.add_argument(
        "--end", action="store_true", help="also end the sessions that run; results are kept"
    )
    parser.add_argument("--json", action="store_true", help="print what the controller answered")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="where to write down what is done (a new file)"
    )
    apply_options(parser, undo="thaw: let sessions start again")
    return parser

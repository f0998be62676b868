"""A story that is made up: every kind of thing that happens to a session, and all in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias

from starburst.controller.state.sessions import Launch, Record, concluded

from .notes import Note, What

__all__ = ["SESSION", "Change", "Tale", "added", "both", "changed", "moved", "tale", "without"]

SESSION: Final = "a" * 20
CHUNK: Final = "p000001-00000"
_ALL: Final = (CHUNK, 0, 6)
_REST: Final = (CHUNK, 4, 6)
_FIRST: Final = (CHUNK, 4, 5)
_SECOND: Final = (CHUNK, 5, 6)
_FOLDER: Final = f"sessions/study/alice/{SESSION}/"

Tale: TypeAlias = dict[str, Note]
Change: TypeAlias = Callable[[Tale], Tale]


def tale() -> Tale:
    """Return the story, each note under a name of its own, in order."""
    teller = _Teller()
    teller.opens()
    teller.works()
    teller.is_cut()
    teller.loses()
    teller.ends()
    return teller.told


class _Teller:
    """Tells the story, part after part."""

    def __init__(self) -> None:
        self.told: Tale = {}
        self.now = 0.0
        self.kept = _record()

    def note(self, name: str, who: str, what: What, *, after: float = 0.0, **about: Any) -> None:
        self.now += after
        self.told[name] = Note(at=self.now, who=who, what=what, session=SESSION, **about)

    def put(self, name: str, who: str, key: str, **about: Any) -> None:
        self.note(name, who, What.PUT, key=key, **about)

    def record(self, name: str, who: str, *, after: float = 0.0, **fields: Any) -> None:
        self.kept = replace(self.kept, looked=self.now + after, **fields)
        about = {"record": self.kept, "state": self.kept.state, "only_if": "etag"}
        self.put(name, who, f"_control/active/{SESSION}.json", after=after, **about)

    def launch(self, name: str, who: str, wave: int, *tasks: str) -> None:
        key = f"{SESSION}-{wave}-0"
        self.note(name, who, What.LAUNCHED, key=key, count=len(tasks), tasks=tasks)

    def opens(self) -> None:
        """Open a session and send six tasks."""
        self.put("manifest", "client 1", f"{_FOLDER}manifest.json")
        self.put("request", "client 1", f"{_FOLDER}requests/1.json")
        self.note("start", "client 1", What.INVOKES, key=f"{_FOLDER}requests/1.json", state="start")
        self.note("invocation 1", "invocation 1", What.BEGAN)
        self.note("queue", "invocation 1", What.QUEUE_MADE)
        self.record("intent", "invocation 1", waves=1, launch=_wave(1))
        self.launch("launch", "invocation 1", 1, "task 0", "task 1")
        self.record("launched", "invocation 1", launch=None, state="running")
        self.note("invocation 1 over", "invocation 1", What.OVER)
        self.put("pack", "client 1", f"{_FOLDER}inputs/p000001")
        self.note("message", "client 1", What.SENT, ranges=(_ALL,))
        self.note("ready 0", "worker 0", What.READY)
        self.note("ready 1", "worker 1", What.READY)

    def works(self) -> None:
        """Run four of six tasks, the second of which crashes once, and leave two."""
        self.note("lease", "worker 0", What.RECEIVED, receipt="r1", ranges=(_ALL,), count=1)
        self.note("run", "worker 0", What.GIVEN, ranges=(_ALL,))
        self.note("keep", "worker 0", What.KEEPS, receipt="r1", after=10.0)
        self.note("keep again", "worker 0", What.KEEPS, receipt="r1", after=10.0)
        self.note("crash", "worker 0", What.DIED, ranges=(_ALL,), task=1, after=5.0)
        self.note("run again", "worker 0", What.GIVEN, ranges=(_ALL,))
        self.note("told", "worker 0", What.SIGTERM, after=2.0)
        self.note("through", "worker 0", What.ANSWERED, ranges=(_ALL,), after=4.0)
        self.put(
            "node", "worker 0", f"{_FOLDER}results/{CHUNK}/000000-000006", ranges=(_ALL, _REST)
        )
        self.note("rest", "worker 0", What.SENT, ranges=(_REST,))
        self.note("delete", "worker 0", What.DELETED, receipt="r1")
        self.note("end 0", "worker 0", What.ENDED, tasks=("task 0",))

    def is_cut(self) -> None:
        """Kill another with the rest; who comes after it cuts that, and runs it."""
        self.note("lease 2", "worker 1", What.RECEIVED, receipt="r2", ranges=(_REST,), count=1)
        self.note("run 2", "worker 1", What.GIVEN, ranges=(_REST,))
        self.note("killed", "worker 1", What.STRUCK, after=3.0)
        self.note("end 1", "worker 1", What.ENDED, tasks=("task 1",))
        self.record("second intent", "invocation 2", lost=2, waves=2, launch=_wave(2))
        self.launch("second launch", "invocation 2", 2, "task 2", "task 3")
        self.note("ready 2", "worker 2", What.READY)
        self.note(
            "lease 3", "worker 2", What.RECEIVED, receipt="r3", ranges=(_REST,), count=2, after=30.0
        )
        self.put(
            "cut",
            "worker 2",
            f"{_FOLDER}results/{CHUNK}/000004-000006",
            ranges=(_REST, _FIRST, _SECOND),
        )
        self.note("halves", "worker 2", What.SENT, ranges=(_FIRST, _SECOND))
        self.note("delete 3", "worker 2", What.DELETED, receipt="r3")
        self.note("lease 4", "worker 2", What.RECEIVED, receipt="r4", ranges=(_FIRST,), count=2)
        self.put("attempt", "worker 2", f"{_FOLDER}results/{CHUNK}/000004-000005.01")
        self.note("run 4", "worker 2", What.GIVEN, ranges=(_FIRST,))
        self.note("through 4", "worker 2", What.ANSWERED, ranges=(_FIRST,))
        self.put("node 4", "worker 2", f"{_FOLDER}results/{CHUNK}/000004-000005", ranges=(_FIRST,))
        self.note("delete 4", "worker 2", What.DELETED, receipt="r4")
        self.note("end 2", "worker 2", What.ENDED, tasks=("task 2",))

    def loses(self) -> None:
        """Lose workers one after the other, and then have no room."""
        self.record("third intent", "invocation 3", after=5.0, lost=3, waves=3, launch=_wave(3))
        self.launch("third launch", "invocation 3", 3, "task 4")
        self.note("end 4", "worker 4", What.ENDED, tasks=("task 4",))
        self.record("fourth loss", "invocation 4", after=5.0, lost=4, launch=None)
        self.record("fourth intent", "invocation 4", after=30.0, waves=4, launch=_wave(4))
        self.record("refusal", "invocation 4", shortages=1)
        self.launch("fourth launch", "invocation 5", 4, "task 5")
        self.told["fourth launch"] = replace(self.told["fourth launch"], at=self.now + 30.0)
        self.now += 30.0

    def ends(self) -> None:
        """Cancel what is left, end the session, erase all of it."""
        self.put("cancels", "client 1", f"{_FOLDER}inputs/cancelled")
        self.note("look", "client 1", What.RECEIVED, receipt="r5", ranges=(_SECOND,), count=1)
        self.note("taken", "client 1", What.DELETED, receipt="r5")
        self.put("second request", "client 1", f"{_FOLDER}requests/2.json")
        self.note("stop", "client 1", What.INVOKES, key=f"{_FOLDER}requests/2.json", state="stop")
        self.note("invocation 6", "invocation 6", What.BEGAN)
        self.record("over", "invocation 7", **_ended(self.kept))
        self.note("queue gone", "invocation 6", What.QUEUE_GONE)
        self.note("task 3 told", "invocation 6", What.TOLD_TO_STOP, tasks=("task 3",))
        self.put("late status", "invocation 8", f"{_FOLDER}status.json", state="running")
        self.put("status", "invocation 8", f"{_FOLDER}status.json", state="ended")
        self.note("invocation 6 over", "invocation 6", What.OVER)
        self.note("invocation 9", "invocation 9", What.BEGAN)
        self.record("filed", "invocation 9")
        self.note("wanted", "client 1", What.WANTS_ERASED)
        self.note("erased", "client 1", What.ERASED, key=f"{_FOLDER}manifest.json")
        self.note("clean", "client 1", What.CLEANED_UP)


def moved(name: str, *, after: str) -> Change:
    """Return what lets one thing happen at another place."""

    def change(told: Tale) -> Tale:
        made = {k: v for k, v in told.items() if k != name}
        items = [*made.items()]
        place = [*made].index(after) + 1
        late = replace(told[name], at=told[after].at)
        return dict([*items[:place], (name, late), *items[place:]])

    return change


def without(*names: str) -> Change:
    """Return what lets things not happen."""
    return lambda told: {name: note for name, note in told.items() if name not in names}


def changed(name: str, **about: Any) -> Change:
    """Return what lets one thing happen otherwise."""
    return lambda told: {**told, name: replace(told[name], **about)}


def added(like: str, *, after: str, **about: Any) -> Change:
    """Return what lets a thing happen once more, otherwise and elsewhere."""

    def change(told: Tale) -> Tale:
        more = {**told, "added": replace(told[like], **about)}
        return moved("added", after=after)(more)

    return change


def both(*changes: Change) -> Change:
    """Return what does one change after the other."""

    def change(told: Tale) -> Tale:
        for one in changes:
            told = one(told)
        return told

    return change


def _wave(wave: int) -> Launch:
    return Launch(wave=wave, batches={"0": 1}, until=0)


def _ended(record: Record) -> dict[str, Any]:
    over = concluded(record, state="ended", reason="stopped by its user")
    return {"state": over.state, "reason": over.reason, "launch": None}


def _record() -> Record:
    return Record(
        workspace="study",
        user="alice",
        session=SESSION,
        workers=2,
        cpu=1,
        memory_gb=4,
        scratch_gb=21,
        capacity="on-demand",
        idle_seconds=300,
        task_definition="study",
        started=0,
        deadline=86_400,
    )

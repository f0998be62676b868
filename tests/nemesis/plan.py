"""The plan of one run: which faults strike where, as a function of the seed alone.

Whether a fault strikes depends on the seed, the fault, what it would strike, and how often it was
asked for there; never on the order in which threads happen to run. So a seed replays.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["CLOUD_FAULTS", "DAMAGED", "FAULTS", "POISONS", "ROLES", "THEFTS", "Plan"]

FAULTS: Final = (
    "refused",  # the call fails and had no effect
    "lost-response",  # the call had its effect, and the caller hears of an error
    "own-412",  # the same on a PUT, and the SDK's own retry meets its own object
    "damaged",  # an object arrives flipped, cut, swapped or foreign
    "killed",  # SIGKILL of the whole worker, at a call or while its child runs
    "told-to-stop",  # SIGTERM with a range in hand
    "delivered-twice",  # two workers hold the same message
    "delayed",  # a message arrives late and out of order
    "partly-failed",  # SendMessageBatch takes some entries
)
CLOUD_FAULTS: Final = (
    "replayed",  # a message arrives once more after it was deleted
    "throttled",  # RunTask is refused with ThrottlingException
    "no-capacity",  # RunTask starts fewer workers than asked, and says why in failures[]
    "event-lost",  # ECS's word of a task that stopped never arrives
    "unfit",  # a worker ends at once and says that it cannot start
)
THEFTS: Final = (
    "hidden",  # a thief of a worker's role receives a message, and hides it for twelve hours
    "stolen",  # and deletes it
)
_MOST: Final = 2
"""So often at most does one fault strike one subject: AWS's trouble ends, and so must a run."""

_BLAMED_MOST: Final = 2
"""So many kills at most are told as the worker's own death: those of fatal tasks come on top, and
the controller, which cannot know who killed whom, gives a session up after many."""

POISONS: Final = ("segfault", "exit", "fatal")
DAMAGED: Final = ("input", "forged", "swapped", "cut", "replayed")
_SKEWS: Final = (-900.0, 0.0, 900.0)
ROLES: Final = ("analyst", "worker", "controller")
_CHANGES: Final = 3
KINDS: Final = ("raise", "unsafe", "large", "memory", "once")


@dataclass
class Plan:
    """What happens in the run of one seed.

    Attributes:
        seed: all else follows from it.
        tasks: how many.
        calm: nothing strikes any more.
        rates: how likely each fault is where it may strike.
        kinds: what each task does.
        attempts: of the session.
        hangs: whether a task hangs, and the session has a time limit.
        client_dies: whether the client is killed between storing tasks and queueing them.
        client_leaves: whether the client never ends its session, so that its deadline must.
        neighbour: whether another user's session comes and goes meanwhile.
        blames: whether ECS tells of a killed worker that it died, not that Fargate took it.
        damaged: what is damaged in S3 for good, if anything.
        inline: whether chunks travel in their messages.
        chunks: how many there are for each worker, of the tasks that come at once.
        skew, worker_skew, controller_skew: seconds by which these clocks are wrong.
        controller_dies: whether, at the end, another session's controller is dead at its deadline.
        struck: how often each fault struck.
        unkind: whether AWS is as unkind as it documents itself to be.
        policy_changes: which role's policies change, and how many seconds into the run.
        login: when the client's login ends, and when its user has logged in anew.
        boots: how long workers boot at least and at most, in seconds.
    """

    seed: int
    tasks: int = 12
    calm: bool = False
    rates: dict[str, float] = field(init=False)
    kinds: list[str] = field(init=False)
    attempts: int = field(init=False)
    hangs: bool = field(init=False)
    client_dies: bool = field(init=False)
    damaged: str = field(init=False)
    inline: bool = field(init=False)
    chunks: int = field(init=False)
    skew: float = field(init=False)
    client_leaves: bool = field(init=False)
    neighbour: bool = field(init=False)
    blames: bool = field(init=False)
    worker_skew: float = field(init=False)
    controller_skew: float = field(init=False)
    controller_dies: bool = field(init=False)
    unkind: bool = True
    policy_changes: list[tuple[str, float]] = field(init=False)
    login: tuple[float, float] = field(init=False)
    boots: tuple[float, float] = (20.0, 60.0)
    struck: Counter[str] = field(default_factory=Counter)
    _asked: Counter[Any] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)  # noqa: S311 - a schedule, not a secret
        places = random.Random(self.seed)  # noqa: S311 - likewise; how many tasks there are is apart
        self.rates = {fault: chance.choice((0.0, 0.05, 0.2)) for fault in FAULTS}
        self.rates["killed"] /= 4  # it is asked for at every call
        self.kinds = ["square"] * self.tasks
        self.hangs = chance.random() < 0.1
        odd = [*chance.choices(KINDS, k=3), chance.choice(POISONS[:2])]
        odd += ["hang"] if self.hangs else []
        for place, kind in zip(places.sample(range(self.tasks), len(odd)), odd, strict=True):
            self.kinds[place] = kind
        self.attempts = chance.choice((2, 3))
        self.client_dies = chance.random() < 0.3
        self.damaged = chance.choice(("", "", "", *DAMAGED))
        self.inline = chance.random() < 0.5 and self.damaged != "input"
        self.skew, self.worker_skew, self.controller_skew = chance.choices(_SKEWS, k=3)
        self.rates |= {fault: chance.choice((0.0, 0.2, 0.5)) for fault in CLOUD_FAULTS}
        self.rates["replayed"] /= 5
        self.client_leaves = chance.random() < 0.3
        for _ in range(chance.choice((0, 0, 0, 0, 1, 2))):
            self.kinds[places.choice([i for i, k in enumerate(self.kinds) if k == "square"])] = (
                "fatal"
            )
        self.blames = chance.random() < 0.5
        for place in places.sample(range(self.tasks), chance.choice((0, 2, 4))):
            if self.kinds[place] == "square":
                self.kinds[place] = "slow"
        self.chunks = chance.choice((1, 4))
        self.neighbour = chance.random() < 0.25
        self.rates |= {fault: chance.choice((0.0, 0.0, 0.05, 0.2)) for fault in THEFTS}
        self.policy_changes = [
            (role, chance.uniform(20, 600))
            for role in ROLES
            for _ in range(_CHANGES)
            if chance.random() < self.unkind / 2
        ]
        ends = chance.uniform(60, 600) if chance.random() < self.unkind / 2 else float("inf")
        self.login = (ends, ends + chance.uniform(30, 300))
        # A Lambda function's clock is AWS's own; a deadline by another one would say nothing.
        self.controller_dies = self.number("dies") < 0.4 and self.controller_skew == 0

    def strikes(self, fault: str, *subject: object, within: object = None) -> bool:
        """Whether ``fault`` strikes ``subject`` now.

        Args:
            fault: which.
            subject: what.
            within: faults that name the same share one allowance: who tries a thing three times
                gets it, whatever befalls the tries.
        """
        allowances: list[object] = [("struck", fault, subject)]
        if within is not None:
            allowances.append(("within", within))
        with self._lock:
            self._asked[fault, subject] += 1
            nth = self._asked[fault, subject]
            if self.calm or any(self._asked[allowance] >= _MOST for allowance in allowances):
                return False
            if self.number(fault, *subject, nth) >= self.rates[fault]:
                return False
            self._asked.update(allowances)
            self.struck[fault] += 1
            return True

    def spend(self, leased: str) -> bool:
        """Whether a range may still lose a worker: with fewer than ``attempts`` it must live."""
        with self._lock:
            self._asked["spent", leased] += 1
            return self._asked["spent", leased] < self.attempts

    def blame(self) -> bool:
        """Whether the death of a worker that was killed is told as its own."""
        with self._lock:
            self._asked["blamed"] += self.blames
            return self.blames and self._asked["blamed"] <= _BLAMED_MOST

    def login_ends(self, now: float) -> float | None:
        """Return when the client's credentials end, or ended; None once there are new ones."""
        return None if now >= self.login[1] else self.login[0]

    def number(self, *about: object) -> float:
        """Return a number in [0, 1) that depends on the seed and ``about`` alone."""
        digest = hashlib.blake2b(repr((self.seed, about)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def pick(self, options: tuple[Any, ...], *about: object) -> Any:
        """Choose one of ``options``, likewise."""
        return options[int(self.number("pick", *about) * len(options))]

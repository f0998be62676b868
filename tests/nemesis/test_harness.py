"""The harness can fail: what it must find is planted, and what ends its processes is no silence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from starburst._codec import encode_batch
from starburst._protocol.sealed.chunks import LedgerEntry
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_key
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from tests.nemesis import __main__ as command
from tests.nemesis import forked_children, seed_processes
from tests.nemesis.failing_process import serve
from tests.nemesis.history import History, check
from tests.nemesis.seed_processes import Played, play

KEYS = SessionKeys(workspace="study", user="alice", session="a" * 20)
KEY = bytes(range(32))
CHUNK = "p000001-00000"
TASKS = 3


class Bucket:
    """Objects with all their versions, the latest last."""

    def __init__(self) -> None:
        self.objects: dict[str, list[bytes]] = {}

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(
            paginate=lambda **_: [{"Contents": [{"Key": k} for k in self.objects]}]
        )

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": SimpleNamespace(read=lambda: self.objects[Key][-1])}

    def list_object_versions(self, **_: str) -> dict[str, Any]:
        return {"Versions": [{"Key": k} for k, bodies in self.objects.items() for _ in bodies]}


def node(lo: int, hi: int, *, covered: int, children: tuple[tuple[int, int], ...] = ()) -> bytes:
    encoded, _ = encode_batch([task * task for task in range(lo, covered)], mode="data")
    batch = Batch(first=lo, count=covered - lo, format=encoded.format, parts=encoded.parts)
    made = ResultNode(
        lo=lo, hi=hi, covered=covered, children=children, batches=[batch], failures={}
    )  # fmt: skip
    return bytes(made.seal(session=KEYS.session, chunk=CHUNK, key=KEY, attempt=1))


def name(lo: int, hi: int) -> str:
    return node_key(KEYS, CHUNK, lo=lo, hi=hi)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Three tasks, of which a worker settled two and handed the third on; all went well."""
    bucket = Bucket()
    bucket.objects[name(0, 3)] = [node(0, 3, covered=2, children=((2, 3),))]
    bucket.objects[name(2, 3)] = [node(2, 3, covered=3)]
    (tmp_path / "starts").write_text("0\n1\n2\n")
    values: list[object] = [0, 1, 4]
    plan: Any = SimpleNamespace(kinds=["square"] * TASKS, attempts=3)
    return History(
        plan=plan,
        expected=list(values),
        outcomes=list(values),
        collected=[list(values), []],
        chunks={CHUNK: LedgerEntry(name=CHUNK, first=0, tasks=TASKS, offset=0, length=1)},
        keys=KEYS,
        key=KEY,
        s3=bucket,
        deliveries=[f"{CHUNK}:0-3", f"{CHUNK}:2-3"],
        sent=Counter({f"{CHUNK}:0-3": 1, f"{CHUNK}:2-3": 1}),
        directory=tmp_path,
        waiting=0,
        errors=[],
        most_workers=(2, 2),
    )


def test_a_run_in_which_all_went_well_is_said_to_be_well(history: History) -> None:
    assert check(history) == []


def lost(history: History) -> None:
    del history.s3.objects[name(2, 3)]


def forgotten(history: History) -> None:
    history.outcomes[2] = "never ended"


def unaccepted(history: History) -> None:
    history.chunks = {CHUNK: replace(history.chunks[CHUNK], tasks=2)}


def written_twice(history: History) -> None:
    history.s3.objects[name(2, 3)] *= 2


def settled_twice(history: History) -> None:
    history.s3.objects[name(1, 3)] = [node(1, 3, covered=3)]


def collected_twice(history: History) -> None:
    history.collected[1] = [4]


def unverified(history: History) -> None:
    history.s3.objects[name(2, 3)] = [b"\x80\x04forged, and yet its value was collected"]


def misread(history: History) -> None:
    history.expected[2] = history.outcomes[2] = history.collected[0][2] = 5


def undeserved(history: History) -> None:
    history.expected[2] = IntegrityError
    history.outcomes[2] = history.collected[0][2] = IntegrityError("of a sound result")


def made_up(history: History) -> None:
    (history.directory / "starts").write_text("0\n1\n")


def unleased(history: History) -> None:
    history.deliveries.pop()
    history.deliveries[0] = f"{CHUNK}:0-2"
    history.sent = Counter({f"{CHUNK}:0-2": 1})


def tried_too_often(history: History) -> None:
    history.plan.kinds[2] = "exit"
    (history.directory / "starts").write_text("0\n1\n" + "2\n" * 9)


def left_behind(history: History) -> None:
    history.waiting = 1


def overstaffed(history: History) -> None:
    history.most_workers = (3, 2)


def crashed(history: History) -> None:
    history.errors.append(TypeError("a bug"))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lost, "have no committed result"),
        (forgotten, "ended with 'never ended'"),
        (unaccepted, "accepted were"),
        (written_twice, "was written 2 times"),
        (settled_twice, "nobody handed it out"),
        (collected_twice, "and then 1 of 3"),
        (unverified, "committed was <class 'starburst.errors.IntegrityError'>"),
        (misread, "ended with 5; committed was 4"),
        (undeserved, "committed was 4"),
        (made_up, "was never started"),
        (unleased, "nobody had leased it"),
        (tried_too_often, "was started 9 times"),
        (left_behind, "1 messages are still in the queue"),
        (overstaffed, "3 workers at once"),
        (crashed, "a worker died of TypeError"),
    ],
)
def test_what_breaks_an_invariant_is_found(
    history: History, plant: Callable[[History], None], said: str
) -> None:
    plant(history)
    assert [sentence for sentence in check(history) if said in sentence], check(history)


def test_what_ends_a_seed_process_fails_its_seed_and_no_other() -> None:
    assert {played.seed: played.wrong for played in play([1, 2, 4, 5], jobs=1, serve=serve)} == {
        1: ["its process ended with code 3"],
        2: ["its process ended with code -9"],
        4: ["lost"],
        5: [],
    }


def test_a_seed_process_that_hangs_fails_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_processes, "_LONGEST_SECONDS", 0.0)
    assert [played.wrong for played in play([3], jobs=1, serve=serve)] == [["no end after 0 s"]]


def test_what_a_run_raises_fails_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(seed: int) -> Any:
        raise ZeroDivisionError(f"in seed {seed}")

    monkeypatch.setattr("tests.nemesis.world.run", run)
    monkeypatch.setattr(seed_processes.signal, "signal", lambda *_: None)
    ours, theirs = Pipe()
    served = threading.Thread(target=seed_processes._serve, args=(theirs,))
    served.start()
    ours.send(7)
    played = ours.recv()
    ours.close()
    served.join(30)
    assert (played.seed, played.wrong[-1]) == (7, "ZeroDivisionError: in seed 7")


@pytest.mark.parametrize(("wrong", "code"), [([], 0), (["lost"], 1)])
def test_a_failed_seed_fails_the_command_and_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: list[str], code: int
) -> None:
    monkeypatch.setattr("sys.argv", ["nemesis", "--seeds", "2", "--first", "5"])
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    monkeypatch.setattr(
        command, "play", lambda seeds, **_: (Played(seed=s, wrong=wrong) for s in seeds)
    )
    assert command.main() == code
    assert ("FIRST=6 replays it" in capsys.readouterr().out) is bool(wrong)


def fork(commands: int) -> forked_children.Forked:
    """Have a child forked whose commands come from there."""
    _, answers = os.pipe()
    state = os.memfd_create("state")
    os.ftruncate(state, 64)
    files, _ = (end.detach() for end in socket.socketpair())
    fds = (commands, answers, state, files)
    words = ["python", "-P", "-m", "starburst.worker.child.runner", *map(str, fds)]
    return forked_children.popen(words, pass_fds=fds, env={}, stdin=subprocess.DEVNULL)


def test_the_ends_of_forked_children_are_those_that_they_had() -> None:
    others = {*forked_children.children()}
    reads, writes = os.pipe()
    idle, ended = fork(reads), fork(os.open(os.devnull, os.O_RDONLY))
    assert ended.wait() == 0
    living = {*forked_children.children()} - others
    assert living == {idle.pid}, "the living are seen, and no others"
    idle.kill()
    assert idle.wait() == -signal.SIGKILL
    assert idle.pid not in forked_children.children()
    os.close(writes)

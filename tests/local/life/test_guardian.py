"""What the guardian ends for, what it does not end for, and that it then ends all."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from starburst.local import guardian
from tests.local.scene import eventually


@dataclass
class Server:
    """A server that ends by itself at the third look at it."""

    looks: list[int | None] = field(default_factory=lambda: [None, None, 0])

    def poll(self) -> int | None:
        return self.looks.pop(0)


@dataclass
class Ears:
    """What the guardian hears: its standard input, and its signals."""

    stdin: tuple[int, int] = field(default_factory=os.pipe)
    wake: tuple[int, int] = field(default_factory=os.pipe)

    def fileno(self) -> int:
        return self.stdin[0]


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ears]:
    made = Ears()
    monkeypatch.setattr(sys, "stdin", made)
    monkeypatch.setattr(guardian, "_LOOK_SECONDS", 0.0)
    yield made
    for end in (*made.stdin, *made.wake):
        os.close(end)


def stays(ears: Ears, *, owner: int) -> bool:
    """Return whether it stays for as long as its server does."""
    server: Any = Server()
    guardian._wait(server, owner=owner, wake=ears.wake[0])
    return not server.looks


@pytest.mark.parametrize(
    ("number", "ends"),
    [(signal.SIGTERM, True), (signal.SIGINT, True), (signal.SIGCHLD, False)],
)
def test_a_descendant_that_ends_is_no_order_to_end(
    number: signal.Signals, ends: bool, ears: Ears
) -> None:
    os.write(ears.wake[1], bytes([number]))
    assert stays(ears, owner=os.getpid()) != ends


@pytest.mark.parametrize("closed", [True, False])
def test_it_ends_when_its_standard_input_closes_and_not_for_a_word(
    closed: bool, ears: Ears
) -> None:
    if closed:
        os.dup2(ears.wake[1], ears.stdin[1])  # closes the pipe's one end that writes
    else:
        os.write(ears.stdin[1], b"hello\n")
    assert stays(ears, owner=os.getpid()) != closed


def test_it_ends_with_its_owner_though_another_holds_its_standard_input(ears: Ears) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as owner:
        pass
    assert not stays(ears, owner=owner.pid)


def test_an_owner_that_may_not_be_signalled_lives(
    ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert stays(ears, owner=1)


FAMILY = """
import os, signal, sys, time

def child():
    read, write = os.pipe()
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.write(write, b"%d" % os.getpid())
            time.sleep(600)
        time.sleep(600)
    return os.read(read, 20).decode()

signal.signal(signal.SIGTERM, lambda *_: {ending})
sys.stdin.readline()
print(os.getpid(), {first}, flush=True)
sys.stdin.read()
{last}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it adopts nobody")
@pytest.mark.parametrize(
    ("first", "ending", "last"),
    [
        ("child()", "sys.exit()", ""),
        ("child()", "sys.exit()", "time.sleep(600)"),
        ("child()", "None", "while True: time.sleep(600)"),
        ("''", "None", "print(child(), flush=True)"),
    ],
    ids=["by itself", "told to", "killed", "with a last child"],
)
def test_nothing_of_a_server_outlives_it_however_it_ends(
    first: str, ending: str, last: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    (folder / "s3").mkdir(parents=True)
    program = FAMILY.format(first=first, ending=ending, last=last)
    told = tmp_path / "told"
    fast = "import sys, starburst.local.guardian as g; g._GRACE_SECONDS = 1; "
    with socket.create_server(("127.0.0.1", 0)) as listening, told.open("w") as out:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [
                *(sys.executable, "-c", fast + "sys.exit(g.main(sys.argv[1:]))"),
                *(str(os.getpid()), str(folder), str(listening.fileno())),
                *(sys.executable, "-c", program),
            ],
            stdin=subprocess.PIPE,
            stdout=out,
            text=True,
            pass_fds=(listening.fileno(),),
        )
    with process:
        assert process.stdin is not None
        process.stdin.write("{}\n")
        process.stdin.flush()
        eventually(lambda: told.read_text() or None)
        process.stdin.close()
        process.wait(60)
    pids = [int(pid) for pid in told.read_text().split()]
    assert len(pids) == 2
    try:
        for pid in pids:
            eventually(lambda pid=pid: True if not Path(f"/proc/{pid}").exists() else None)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not folder.exists()

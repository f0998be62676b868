"""The emulator listens on loopback only and leaves nothing behind, however its owner ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from starburst.errors import LocalEnvironmentError
from starburst.local import LocalEnvironment, current, endpoint
from starburst.local.emulator import GAPS, STATE_VARIABLE
from starburst.local.server import Server, read_json
from starburst.local.state import State
from tests.local.scene import Scene, eventually

LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")

OWNER = """
import sys, time
from starburst.local import LocalEnvironment
from tests.local.scene import Scene
local = LocalEnvironment()
local.start()
scene = Scene(local)
program = "import os, time; os.setsid() if os.fork() == 0 else None; time.sleep(600)"
definition = scene.task_definition([sys.executable, "-c", program])
cluster = scene.cluster()
task = scene.run(definition, cluster)[0]["taskArn"]
scene.task_when(task, cluster, "RUNNING")
print(local._server.process.pid, local._server.folder, flush=True)
time.sleep(600)
"""


def of_folder(folder: str) -> set[int]:
    """Return the processes whose environment or arguments name the emulator's folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if folder.encode() in text:
                found.add(int(entry.name))
    return found


def listeners(pids: set[int]) -> set[tuple[str, int]]:
    """Return the hexadecimal addresses and the ports that these processes listen on."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                addresses.add((address, int(port, 16)))
    return addresses


def bound(table: str, pids: set[int]) -> list[str]:
    """Return the lines of a table of the kernel that are these processes' sockets."""
    inodes = {
        target[8:-1]
        for pid in pids
        for target, _ in descriptors_of(pid)
        if target.startswith("socket:[")
    }
    lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[9] in inodes]


def descriptors_of(pid: int) -> list[tuple[str, int]]:
    """Return what a process has open, and how."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text()
            found.append((os.readlink(link), int(text.partition("flags:")[2].split()[0], 8)))
    return found


def files_of(pid: int) -> list[tuple[str, int]]:
    return [(target, mode) for target, mode in descriptors_of(pid) if target.startswith("/")]


def server_environment(server: Server) -> dict[str, str]:
    """Return the environment that the server's process was started with."""
    found = Path(f"/proc/{server.process.pid}/environ").read_bytes().decode()
    return dict(entry.split("=", 1) for entry in found.split("\0") if entry)


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", OWNER],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        yield process
        process.kill()


@LINUX
def test_it_listens_on_one_loopback_port_only(deployed: LocalEnvironment) -> None:
    functions = deployed.client(deployed.root_session(), "lambda")
    functions.invoke(FunctionName="starburst-local-controller", Payload=b"{}")
    server = deployed._server
    assert server is not None
    port = int(deployed.endpoint.rpartition(":")[2])
    assert listeners(of_folder(str(server.folder))) == {("0100007F", port)}
    # UDP too: nothing of it is bound.
    assert not [
        line for table in ("udp", "udp6") for line in bound(table, of_folder(str(server.folder)))
    ]


@LINUX
def test_what_it_keeps_is_for_its_user_only(emulator: LocalEnvironment) -> None:
    server = emulator._server
    assert server is not None
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.folder / "server.key").stat().st_mode) == 0o600
    for name in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR", "HOME"):
        given = server_environment(server)[name]
        assert Path(given).is_relative_to(server.folder)


@LINUX
def test_its_processes_write_into_its_folder_only(scene: Scene) -> None:
    server = scene.local._server
    assert server is not None
    cluster, bucket = scene.cluster(), scene.bucket()
    scene.root("s3").put_object(Bucket=bucket, Key="x", Body=b"x")
    task = scene.run(scene.task_definition(["sleep", "60"]), cluster)[0]["taskArn"]
    scene.task_when(task, cluster, "RUNNING")
    opened = {
        Path(target)
        for pid in of_folder(str(server.folder)) - {os.getpid()}
        for target, mode in files_of(pid)
        if mode & (os.O_WRONLY | os.O_RDWR)
    }
    assert opened
    outside = {path for path in opened if not path.is_relative_to(server.folder)}
    assert outside <= {Path(os.devnull)}


@LINUX
@pytest.mark.parametrize("victim", ["owner", "guardian", "server"])
def test_nothing_is_left_when_one_is_killed(victim: str, owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    guardian, folder = owner.stdout.readline().split()
    # The guardian, the server, the worker and the worker's runaway child.
    running = eventually(lambda: found if len(found := of_folder(folder)) == 4 else None)
    server = next(
        pid
        for pid in running - {int(guardian)}
        if b"local.emulation" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    pids = {"owner": owner.pid, "guardian": int(guardian), "server": server}
    os.kill(pids[victim], signal.SIGKILL)
    if victim == "guardian":
        # Without its guardian the server ends itself and its workers.
        # What has left its worker's process group is the one thing that escapes then.
        eventually(lambda: True if len(of_folder(folder)) <= 1 else None)
        for pid in of_folder(folder):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: True if not of_folder(folder) else None)
    eventually(lambda: True if not Path(folder).exists() else None)


@LINUX
def test_stop_ends_everything_at_once(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    _, folder = owner.stdout.readline().split()
    owner.send_signal(signal.SIGINT)
    owner.wait(60)
    eventually(lambda: True if not of_folder(folder) else None)
    assert not Path(folder).exists()


def test_two_run_side_by_side(emulator: LocalEnvironment) -> None:
    with LocalEnvironment() as second:
        assert second.endpoint != emulator.endpoint
        bucket = Scene(second).bucket()
        names = [entry["Name"] for entry in Scene(emulator).root("s3").list_buckets()["Buckets"]]
        assert bucket not in names


def test_a_fork_of_the_owner_does_not_stop_it(emulator: LocalEnvironment) -> None:
    server = emulator._server
    assert server is not None
    replace(server, owner=server.owner + 1).stop()
    assert server.running
    assert server.folder.exists()


def test_a_killed_worker_is_a_failed_task(scene: Scene) -> None:
    cluster = scene.cluster()
    task = scene.run(scene.task_definition(["sleep", "60"]), cluster)[0]["taskArn"]
    scene.task_when(task, cluster, "RUNNING")
    os.kill(scene.local.worker_processes()[task], signal.SIGKILL)
    stopped = scene.task_when(task, cluster, "STOPPED")
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["containers"][0]["exitCode"] == 137
    assert task not in scene.local.worker_processes()


def test_it_can_be_stopped_twice_and_says_when_it_is_not_started() -> None:
    local = LocalEnvironment()
    local.stop()
    with pytest.raises(LocalEnvironmentError, match=r"call start\(\)"):
        _ = local.endpoint


def test_the_emulators_own_administration_is_closed(emulator: LocalEnvironment) -> None:
    address = emulator.endpoint + "/_ministack/health"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read_json(address, ca_bundle=emulator.ca_bundle, timeout=60)


def test_its_certificate_convinces_nobody_else(emulator: LocalEnvironment) -> None:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
    )
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        opener.open(emulator.endpoint + "/_starburst/ready", timeout=60)


def test_another_process_finds_it(
    emulator: LocalEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.json"
    emulator.write_state(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv(STATE_VARIABLE, str(file))
    found = current()
    assert found is not None
    assert found.endpoint == emulator.endpoint
    arn = found.client(found.platform_session(), "sts").get_caller_identity()["Arn"]
    assert arn.startswith("arn:aws:sts::111122223333:assumed-role/starburst-local-admin/")
    found.stop()
    assert read_json(
        emulator.endpoint + "/_starburst/ready", ca_bundle=emulator.ca_bundle, timeout=60
    )


def test_a_dead_one_is_named(
    emulator: LocalEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.json"
    emulator.write_state(file)
    fields = json.loads(file.read_text()) | {"endpoint": "https://127.0.0.1:9"}
    State(**fields).write(file)
    monkeypatch.setenv(STATE_VARIABLE, str(file))
    with pytest.raises(LocalEnvironmentError, match="does not answer"):
        current()
    file.write_text("{}")
    with pytest.raises(LocalEnvironmentError, match="is no state file"):
        current()
    file.unlink()
    with pytest.raises(LocalEnvironmentError, match="does not exist"):
        current()


def test_its_address_can_be_asked(
    emulator: LocalEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    with LocalEnvironment() as own:
        assert endpoint() == own.endpoint != emulator.endpoint
        emulator.write_state(tmp_path / "state.json")
        monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state.json"))
        assert endpoint() == emulator.endpoint
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "none.json"))
    with pytest.raises(LocalEnvironmentError, match="does not exist"):
        endpoint()


ASK = "from starburst.local import endpoint; print(endpoint())"


def test_a_process_without_one_is_told_how_to_get_one() -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=False, env={}
    )
    assert done.returncode == 1
    assert "LocalEnvironmentError: no local environment runs for this process" in done.stderr
    assert "starburst local -- COMMAND" in done.stderr


@pytest.mark.parametrize(
    "start",
    [
        [sys.executable, "-m", "starburst.local"],
        [str(Path(sys.executable).with_name("starburst")), "local"],
    ],
    ids=["module", "command"],
)
def test_a_command_within_one_can_ask_too(
    start: list[str], emulator: LocalEnvironment, tmp_path: Path
) -> None:
    emulator.write_state(tmp_path / "state.json")
    done = subprocess.run(  # noqa: S603 - our own program
        [*start, "--", sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], STATE_VARIABLE: str(tmp_path / "state.json")},
    )
    assert done.stdout.strip() == emulator.endpoint


def test_a_state_file_that_others_could_have_written_is_not_believed(
    emulator: LocalEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.json"
    emulator.write_state(file)
    file.chmod(0o644)
    monkeypatch.setenv(STATE_VARIABLE, str(file))
    with pytest.raises(LocalEnvironmentError, match="not this user's alone"):
        current()


def test_a_link_that_was_laid_for_it_is_not_written_through(
    emulator: LocalEnvironment, tmp_path: Path
) -> None:
    file, victim = tmp_path / "state.json", tmp_path / "victim"
    (tmp_path / f"state.json.{os.getpid()}").symlink_to(victim)
    file.symlink_to(victim)
    emulator.write_state(file)
    assert not victim.exists()
    assert not file.is_symlink()


def test_none_is_current_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    assert current() is None


def test_it_says_what_it_cannot_do(emulator: LocalEnvironment) -> None:
    assert emulator.gaps == tuple(GAPS.values())
    assert all(gap.endswith(".") for gap in emulator.gaps)


def test_a_failed_start_shows_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalEnvironmentError, match="there is no patch named nonsense"):
        LocalEnvironment(without=["nonsense"]).start()


def test_a_task_starts_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARBURST_DATA", "s3://bucket/data/demo/")
    with pytest.raises(LocalEnvironmentError, match="this is a task"):
        LocalEnvironment().start()

"""Start and stop the emulator as a process of its own: loopback only, TLS on, IAM in force."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starburst.errors import LocalEnvironmentError

from .emulator import ACCOUNT, REGION, check_version
from .image import make_image
from .tls import create_tls_material

__all__ = ["Server", "python_path", "read_json", "start_server"]

_START_SECONDS = 60.0
_STOP_SECONDS = 8.0
_LOG_TAIL_BYTES = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running emulator that this process owns.

    Attributes:
        endpoint: ``https://127.0.0.1:<port>``.
        ca_bundle: file to verify its certificate with.
        root_key: the only access key id that is root there.
        root_secret: its secret.
        folder: everything that it writes; removed when it ends.
        process: its guardian.
        owner: the process that started it; a fork of that does not stop it.
    """

    endpoint: str
    ca_bundle: str
    root_key: str
    root_secret: str
    folder: Path
    process: subprocess.Popen[bytes]
    owner: int

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it with everything that it started; nothing happens when it has ended."""
        if os.getpid() != self.owner:
            return
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(_STOP_SECONDS)
            # Its guardian did, unless that was killed.
            shutil.rmtree(self.folder, ignore_errors=True)
        except subprocess.TimeoutExpired as error:
            self.process.terminate()
            raise LocalEnvironmentError(
                f"the local environment did not stop within {_STOP_SECONDS:g} s; "
                f"end process {self.process.pid} and its children by hand"
            ) from error


def start_server(
    *,
    without: Collection[str] = (),
    unkind: Mapping[str, float] | None = None,
    strict: bool = False,
    python: Path | None = None,
) -> Server:
    """Start the emulator on a free port and return when it answers.

    Args:
        without: names of patches to leave out; the tests use it to see what stock does.
        unkind: the ``seed`` and the ``pace`` of AWS's unkindness, once it is asked to begin.
        strict: whether workers get a Python of their own, and no more memory than they have.
        python: that Python where it is there already, or what starts one in a real image.

    Raises:
        LocalEnvironmentError: it is not installed, has another version or does not start.
    """
    check_version()
    folder = Path(tempfile.mkdtemp(prefix="starburst-local-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        tls = create_tls_material(folder)
        scratch = folder / "tmp"
        scratch.mkdir()
        listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        endpoint = f"https://127.0.0.1:{listening.getsockname()[1]}"
        root_key, root_secret = "ROOT" + secrets.token_hex(8).upper(), secrets.token_urlsafe(32)
        if "root_key" in without:
            root_key = root_secret = "test"  # noqa: S105 - What stock takes for root.
        configuration = {
            "socket": listening.fileno(),
            "certificate": str(tls.certificate),
            "key": str(tls.key),
            "root_key": root_key,
            "root_secret": root_secret,
            "without": sorted(without),
            "unkind": unkind,
            "image": str(python or make_image(folder / "image")) if strict else None,
        }
        with listening, (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [
                    *(sys.executable, "-m", "starburst.local.guardian"),
                    *(str(os.getpid()), str(folder), str(listening.fileno())),
                    *(sys.executable, "-m", "starburst.local.emulation"),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(listening.fileno(),),
                env=_server_environment(endpoint, ca_bundle=tls.ca, scratch=scratch),
                cwd=scratch,
                start_new_session=True,
            )
        undo.pop_all()  # from here on its guardian removes it
    server = Server(
        endpoint=endpoint,
        ca_bundle=str(tls.ca),
        root_key=root_key,
        root_secret=root_secret,
        folder=folder,
        process=process,
        owner=os.getpid(),
    )
    log_file = (folder / "server.log").open("rb")  # Readable after the guardian removed it.
    with log_file:
        try:
            _send(process, configuration)
            read_json(endpoint + "/_starburst/ready", ca_bundle=str(tls.ca), timeout=_START_SECONDS)
        except (OSError, ValueError) as error:
            with contextlib.suppress(LocalEnvironmentError):
                server.stop()
            raise LocalEnvironmentError(
                f"the local environment did not start ({error}). The end of its log:\n"
                + _tail(log_file.fileno())
            ) from error
        except BaseException:
            server.stop()
            raise
    return server


def read_json(
    url: str, *, ca_bundle: str, timeout: float, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """Read a JSON document from the server, past any proxy that the machine is set up with."""
    context = ssl.create_default_context(cafile=ca_bundle)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310 - https
    with opener.open(request, timeout=timeout) as response:
        document: Mapping[str, Any] = json.load(response)
        return document


def python_path() -> dict[str, str]:
    """Return ``PYTHONPATH`` with absolute entries, if set: what was found by it is found again."""
    given = os.environ.get("PYTHONPATH")
    if not given:
        return {}
    entries = (str(Path(entry).absolute()) for entry in given.split(os.pathsep) if entry)
    return {"PYTHONPATH": os.pathsep.join(entries)}


def _send(process: subprocess.Popen[bytes], configuration: Mapping[str, Any]) -> None:
    pipe = process.stdin
    if pipe is None:  # pragma: no cover - it was asked for
        raise RuntimeError("the guardian has no standard input")
    pipe.write(json.dumps(configuration).encode() + b"\n")
    pipe.flush()


def _tail(log: int) -> str:
    size = os.fstat(log).st_size
    return os.pread(log, _LOG_TAIL_BYTES, max(0, size - _LOG_TAIL_BYTES)).decode(errors="replace")


def _server_environment(endpoint: str, *, ca_bundle: Path, scratch: Path) -> dict[str, str]:
    """Return the whole environment of the server; its Lambda functions inherit all of it."""
    binaries = str(Path(sys.executable).parent)
    return {
        **python_path(),
        "PATH": os.pathsep.join((binaries, "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        # Elsewhere the emulator would write into folders of the machine that everybody knows.
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "LANG": "C.UTF-8",
        "AWS_CA_BUNDLE": str(ca_bundle),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(ca_bundle),
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }

"""Fetching wheels into the cache: several at once, each checked by its hash.

What was fetched before an interrupt is not fetched again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass, url2pathname

import urllib3

from starburst.errors import IntegrityError, PackagesRefused
from starburst.untrusted.terminal_text import one_line

from .cache import wheel_path, writing
from .choosing import Choice
from .indexes import authorization, bare, certificates, without_credentials
from .store import Stopped, together
from .target import Target

__all__ = ["fetch"]

_AT_ONCE: Final = 8
_CHUNK: Final = 1 << 16
_TRIES: Final = 4
_OK: Final = 200
_PARTIAL: Final = 206
_TIMEOUT: Final = urllib3.Timeout(connect=15, read=60)

Told = Callable[[int], None]
"""Takes how many bytes more have come, or gone."""


def fetch(
    choices: Iterable[Choice], target: Target, *, told: Told = lambda _: None
) -> dict[str, Path]:
    """Return where each wheel is in the cache, by its hash; fetch those that are not.

    Args:
        choices: the wheels, with where they are.
        target: what they are for.
        told: takes how many bytes more have come.

    Raises:
        PackagesRefused: a wheel cannot be had.
        IntegrityError: what its index sends is another file than the lock says.
    """
    wanted = {each.sha256: each for each in choices}
    with together(_AT_ONCE) as (pool, stop):
        found = pool.map(lambda each: _have(each, target, stop=stop, told=told), wanted.values())
        return dict(zip(wanted, found, strict=True))


def _have(choice: Choice, target: Target, *, stop: threading.Event, told: Told) -> Path:
    path = wheel_path(choice.sha256)
    if path.is_file():
        if _digest(path) == choice.sha256:
            told(path.stat().st_size)
            return path
        path.unlink(missing_ok=True)  # damaged
    if choice.url is None:
        raise PackagesRefused(f"nobody says where {choice.filename} is; run this again")
    try:
        with writing(path) as part:
            _bring(choice, part, target, stop=stop, told=told)
            found = _digest(part)
            if found != choice.sha256:
                raise IntegrityError(
                    f"{choice.filename} from {without_credentials(choice.url)} is another file "
                    f"than was locked: its sha256 is {found}, not {choice.sha256}. Nothing "
                    "was sent to workers; lock again where the index is trusted"
                )
    except OSError as error:
        raise PackagesRefused(
            f"{choice.filename} cannot be kept in {path.parent}: {error.strerror or error}. "
            "STARBURST_CACHE names another folder"
        ) from error
    return path


def _bring(
    choice: Choice, part: Path, target: Target, *, stop: threading.Event, told: Told
) -> None:
    parts = urlsplit(choice.url or "")
    if parts.scheme == "file":
        source = url2pathname(parts.path)
        try:
            shutil.copyfile(source, part)
        except FileNotFoundError as error:
            raise PackagesRefused(f"{choice.filename} is no longer at {source}") from error
        told(part.stat().st_size)
        return
    if parts.scheme not in ("http", "https"):
        raise PackagesRefused(f"{choice.filename} is at no address of http, https or a file")
    trouble = _download(choice, part, stop=stop, told=told)
    if trouble is not None:
        _by_pip(choice, part, target, trouble=trouble, told=told)


def _download(choice: Choice, part: Path, *, stop: threading.Event, told: Told) -> str | None:
    """Write what the wheel's address sends; return why that failed, in few words."""
    url = choice.url or ""
    trouble = ""
    with _pool(url) as http:
        for _ in range(_TRIES):
            try:
                with part.open("ab") as file:
                    trouble, final = _go_on(http, url, file, stop=stop, told=told)
            except urllib3.exceptions.HTTPError as error:
                trouble, final = type(error).__name__, False
            if not trouble:
                return None
            if final or stop.is_set():
                break
    return trouble


def _go_on(
    http: urllib3.PoolManager,
    url: str,
    file: BinaryIO,
    *,
    stop: threading.Event,
    told: Told,
) -> tuple[str, bool]:
    """Read what a file lacks; return what went wrong, if anything, and whether it stays so."""
    position = file.tell()
    headers = {"Accept-Encoding": "identity", **_login(url)}
    if position:
        headers["Range"] = f"bytes={position}-"
    answer = http.request("GET", without_login(url), headers=headers, preload_content=False)
    try:
        if answer.status != (_PARTIAL if position else _OK):
            return f"HTTP {answer.status}", True
        for chunk in answer.stream(_CHUNK):
            if stop.is_set():
                raise Stopped
            file.write(chunk)
            told(len(chunk))
    finally:
        answer.release_conn()
    return "", True


def without_login(url: str) -> str:
    """Return a URL without a name and a password; they go in a header."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _login(url: str) -> dict[str, str]:
    found = authorization(url)
    return {} if found is None else urllib3.make_headers(basic_auth=":".join(found))


def _pool(url: str) -> urllib3.PoolManager:
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    settings: dict[str, Any] = {
        "ca_certs": certificates(),
        "timeout": _TIMEOUT,
        "retries": urllib3.Retry(3),
    }
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, **settings)
    return urllib3.PoolManager(**settings)


def _by_pip(choice: Choice, part: Path, target: Target, *, trouble: str, told: Told) -> None:
    """Have pip fetch what an address refuses: it knows keyrings and certificates of clients."""
    with tempfile.TemporaryDirectory(prefix="starburst-wheel-") as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(
            f"{choice.name}=={choice.version} --hash=sha256:{choice.sha256}\n", encoding="utf-8"
        )
        tags = {tag.platform for tag in target.tags} - {"any"}
        platforms = (part for each in sorted(tags) for part in ("--platform", each))
        abis = {tag.abi for tag in target.tags}
        command = (
            *(sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", "--quiet"),
            *("--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"),
            *("--dest", folder, "--python-version", target.python, "--implementation", "cp"),
            *platforms,
            *(part for each in sorted(abis) for part in ("--abi", each)),
            *("-r", str(wanted)),
        )
        ended = subprocess.run(  # noqa: S603 - pip, with arguments of ours
            command, capture_output=True, check=False, text=True, errors="replace"
        )
        found = sorted(Path(folder).glob("*.whl"))
        if ended.returncode or not found:
            said = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
            more = f"; pip says: {bare(one_line(said[-1]))}" if said else ""
            raise PackagesRefused(
                f"{choice.filename} cannot be fetched from {without_credentials(choice.url or '')} "
                f"({trouble}){more}. Check the index, and the credentials that uv, pip or a netrc "
                "has for it"
            )
        shutil.copyfile(found[0], part)
        told(part.stat().st_size)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

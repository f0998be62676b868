"""Tiny wheels, made in the test, and the folder or the loopback server that offers them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    needs: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel with one module of its name; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {each}" for each in needs]
    content = {
        **(files or {f"{name}.py": f"VERSION = {version!r}\n"}),
        f"{info}/METADATA": "\n".join((*metadata, "", "")),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = [f"{each},sha256={_record(text)},{len(text.encode())}" for each, text in content.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in content.items():
            archive.writestr(zipfile.ZipInfo(each), text)
        archive.writestr(
            zipfile.ZipInfo(f"{info}/RECORD"), "\n".join((*rows, f"{info}/RECORD,,", ""))
        )
    return path


def _record(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def installed(folder: Path, path: Path) -> Path:
    """Unpack a wheel as if it were installed; return the folder for ``sys.path``."""
    site = folder / "site-packages"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(site)
    return site


def only_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have uv know one folder, and nothing that this machine has set up; return it."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "offered"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)  # no project whose settings uv would read
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("STARBURST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock(folder: Path, *entries: str, requires_python: str = ">=3.11") -> Path:
    """Write a pylock.toml; return where."""
    text = [
        'lock-version = "1.0"\ncreated-by = "test"',
        f'requires-python = "{requires_python}"',
        "packages = []" if not entries else "",
        *(f"[[packages]]\n{entry}\n" for entry in entries),
    ]
    path = folder / "pylock.toml"
    path.write_text("\n".join(text))
    return path


def entry(path: Path, *, url: str | None = None, digest: str | None = None) -> str:
    """Return what a pylock.toml says of a wheel."""
    name, version, *_ = path.name.split("-")
    hashes = f'{{ sha256 = "{digest or sha256(path)}" }}'
    return (
        f'name = "{name}"\nversion = "{version}"\n'
        f'wheels = [{{ url = "{url or path.as_uri()}", hashes = {hashes} }}]'
    )


class Index:
    """A simple index on loopback that lets in one person, and remembers what it was asked."""

    user, word = "bob", "s3cr3t-of-bob"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, bool]] = []
        self.cut = 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.user}:{self.word}@{self.host}/simple"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.answer(self)

            def do_HEAD(self) -> None:
                index.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        pair = base64.b64encode(f"{self.user}:{self.word}".encode()).decode()
        known = request.headers.get("Authorization") == f"Basic {pair}"
        self.asked.append((request.path, known))
        name = request.path.strip("/").rpartition("/")[2]
        if not known:
            request.send_response(401)
            request.send_header("WWW-Authenticate", "Basic realm=x")
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif request.path.startswith("/simple/"):
            found = sorted(self.folder.glob(f"{name}-*.whl"))
            links = "".join(
                f'<a href="/files/{each.name}#sha256={sha256(each)}">{each.name}</a>'
                for each in found
            )
            self._send(request, links.encode(), "text/html", found=bool(found))
        else:
            data = (self.folder / name).read_bytes()
            asked = request.headers.get("Range", "")
            begin = int(asked[6:-1]) if asked.endswith("-") else 0  # of any other, all is sent
            self._send(request, data, "application/zip", begin=begin)

    def _send(
        self,
        request: http.server.BaseHTTPRequestHandler,
        data: bytes,
        kind: str,
        *,
        begin: int = 0,
        found: bool = True,
    ) -> None:
        request.send_response((206 if begin else 200) if found else 404)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        end = len(data)
        if self.cut and kind != "text/html" and not begin:
            end = self.cut
        if request.command == "GET":
            request.wfile.write(data[begin:end])

    def __enter__(self) -> Index:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def index_of(folder: Path) -> Iterator[Index]:
    with Index(folder) as index:
        yield index

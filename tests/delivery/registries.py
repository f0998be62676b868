"""OSV's interface and npm's registry on loopback, as far as the two audits ask them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is weak: package by ecosystem's name, and the version in which that ends."""

    pypi: Mapping[str, str]
    npm: Mapping[str, str]


@contextmanager
def registries(known: Known) -> Iterator[str]:
    """Serve what is known; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                sent = gzip.decompress(sent)
            body = json.loads(sent)
            if self.path.endswith("/querybatch"):
                self._say({"results": [_batch(one, known) for one in body["queries"]]})
            elif self.path.endswith("/advisories/bulk"):
                self._say({name: [_advisory(name)] for name in body if name in known.npm})
            else:
                self.send_error(404)

        def do_GET(self) -> None:
            name = self.path.rpartition("/TEST-")[2]
            if name not in known.pypi:
                self.send_error(404)
                return
            ranges = [
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "0"}, {"fixed": known.pypi[name]}],
                }
            ]
            package = {"ecosystem": "PyPI", "name": name}
            self._say(
                {
                    "id": f"TEST-{name}",
                    "modified": "2026-01-01T00:00:00Z",
                    "summary": f"{name} is weak",
                    "affected": [{"package": package, "ranges": ranges}],
                }
            )

        def _say(self, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _batch(query: Mapping[str, Any], known: Known) -> dict[str, Any]:
    name = query["package"]["name"]
    if name not in known.pypi:
        return {}
    return {"vulns": [{"id": f"TEST-{name}", "modified": "2026-01-01T00:00:00Z"}]}


def _advisory(name: str) -> dict[str, Any]:
    return {
        "id": 1,
        "url": "https://example.org/1",
        "title": f"{name} is weak",
        "severity": "high",
        "vulnerable_versions": "<99",
        "cwe": [],
        "cvss": {"score": 0, "vectorString": None},
    }

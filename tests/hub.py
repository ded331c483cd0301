"""A model hub on 127.0.0.1 that speaks as much of the Hugging Face protocol as its client needs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """``/{org}/{name}/resolve/{rev}/{file}`` and ``/api/models/{org}/{name}``, out of ``root/{org}/{name}``."""

    root: Path

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.split("?")[0].strip("/").split("/")
        if path[:2] == ["api", "models"] and len(path) >= 4:
            self.describe(self.root / path[2] / path[3], path[4:])
        elif len(path) >= 5 and path[2] == "resolve":
            self.give(self.root / path[0] / path[1], "/".join(path[4:]))
        else:
            self.missing("RepoNotFound")

    def give(self, folder: Path, name: str) -> None:
        if (folder / name).is_file():
            data = (folder / name).read_bytes()
            self.send(200, data, ETag=f'"{hashlib.sha256(data).hexdigest()}"')
        else:
            self.missing("EntryNotFound" if folder.is_dir() else "RepoNotFound")

    def describe(self, folder: Path, rest: list[str]) -> None:
        if not folder.is_dir():
            self.missing("RepoNotFound")
        elif rest[:1] == ["tree"]:
            self.send(200, b"[]")
        else:
            files = [{"rfilename": path.relative_to(folder).as_posix()} for path in folder.rglob("*")]
            about = {"id": f"{folder.parent.name}/{folder.name}", "sha": COMMIT, "siblings": files}
            self.send(200, json.dumps(about).encode())

    def missing(self, code: str) -> None:
        self.send(404, b"not found", **{"X-Error-Code": code})

    def send(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"X-Repo-Commit": COMMIT, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve ``root``; gives the address for ``HF_ENDPOINT``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (Hub,), {"root": root}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

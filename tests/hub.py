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


@contextlib.contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve ``root/{org}/{name}/{file}``; gives the address for ``HF_ENDPOINT``."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            path = self.path.split("?")[0].strip("/").split("/")
            if path[:2] == ["api", "models"] and len(path) >= 4:
                return self.describe(root / path[2] / path[3], path[4:], with_body)
            if len(path) >= 5 and path[2] == "resolve":
                file = root.joinpath(path[0], path[1], *path[4:])
                if file.is_file():
                    data = file.read_bytes()
                    return self.send(200, data, with_body, ETag=f'"{hashlib.sha256(data).hexdigest()}"')
                known = root.joinpath(path[0], path[1]).is_dir()
                return self.missing("EntryNotFound" if known else "RepoNotFound", with_body)
            return self.missing("RepoNotFound", with_body)

        def describe(self, folder: Path, rest: list[str], with_body: bool) -> None:
            if not folder.is_dir():
                return self.missing("RepoNotFound", with_body)
            if rest[:1] == ["tree"]:
                return self.send(200, b"[]", with_body)
            files = [{"rfilename": path.relative_to(folder).as_posix()} for path in folder.rglob("*") if path.is_file()]
            about = {"id": f"{folder.parent.name}/{folder.name}", "sha": COMMIT, "siblings": files}
            return self.send(200, json.dumps(about).encode(), with_body)

        def missing(self, code: str, with_body: bool) -> None:
            self.send(404, b"not found", with_body, **{"X-Error-Code": code})

        def send(self, status: int, data: bytes, with_body: bool, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"X-Repo-Commit": COMMIT, "Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

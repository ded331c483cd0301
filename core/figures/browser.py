"""One warm Chromium per process, through kaleido, with a time limit on every step.

kaleido's own server (``kaleido.start_sync_server``) waits for ever on its queue when Chromium dies or never opens:
measured with a browser that exits at once. Here the browser lives in an event loop of ours, so that every wait ends.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Coroutine
from typing import Any

from core.errors import ExportError

OPEN_SECONDS = 60.0
DRAW_SECONDS = 120.0
CLOSE_SECONDS = 15.0

TO_THE_EDGE = "@page { margin: 0 } #kaleido-image { display: block }"
"""Chromium prints with margins into a page of the figure's size, and cuts off what no longer fits."""

MISSING = (
    "SVG, PDF and PNG need Chromium, which is not on this machine: `apt-get install chromium "
    "fonts-dejavu-core`. HTML and CSV work without it, and so does the camera in the figure's toolbar (SVG)."
)


def chromium() -> str | None:
    """The path of a Chromium or Chrome, if there is one; ``BROWSER_PATH`` comes first."""
    names = (os.environ.get("BROWSER_PATH"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if name and (path := shutil.which(name))), None)


class _Browser:
    """A browser and the thread that its event loop runs in."""

    def __init__(self, path: str) -> None:
        self.path, self.pid = path, os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="figure-export", daemon=True)
        self._thread.start()
        self._kaleido: Any = None
        try:
            self._wait(self._open(), OPEN_SECONDS)
        except BaseException:
            self.close(answers=False)
            raise

    async def _open(self) -> None:
        import kaleido

        page = kaleido.PageGenerator(mathjax=False)  # else each page asks a server on the internet for it
        page.footer = page.footer.replace("</head>", f"<style>{TO_THE_EDGE}</style></head>")
        self._kaleido = kaleido.Kaleido(n=1, path=self.path, page_generator=page, timeout=DRAW_SECONDS)
        await self._kaleido.open()

    def _wait(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except BaseException:
            future.cancel()
            raise

    def draw(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        made: bytes = self._wait(self._kaleido.calc_fig(figure, opts=options), DRAW_SECONDS)
        return made

    def close(self, *, answers: bool = True) -> None:
        """End Chromium with all its processes, and the thread; one that no longer ``answers`` is not asked first."""
        if self.pid != os.getpid():  # after a fork it is the parent's
            return
        # what an opening that was given up still raises has been reported already
        self._loop.call_soon_threadsafe(self._loop.set_exception_handler, lambda loop, context: None)
        if self._kaleido is not None:
            if not answers:
                self._kill()
            try:
                self._wait(self._kaleido.close(), CLOSE_SECONDS)
            except _failures():
                self._kill()
        self._wait(_cancel_others(), CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def _kill(self) -> None:
        """The whole group: kaleido starts Chromium through a wrapper, and ending that alone leaves Chromium running."""
        process: subprocess.Popen[bytes] | None = getattr(self._kaleido, "subprocess", None)
        if process is None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait(CLOSE_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            return  # it is gone, or even the kernel cannot end it now


def _failures() -> tuple[type[BaseException], ...]:
    """What kaleido and choreographer raise when no file was made; anything else is a bug and passes through."""
    from choreographer.errors import DevtoolsProtocolError
    from kaleido.errors import KaleidoError

    cancelled = (concurrent.futures.CancelledError, asyncio.CancelledError)
    return OSError, RuntimeError, KaleidoError, DevtoolsProtocolError, *cancelled


async def _cancel_others() -> None:
    """A loop that is closed over pending tasks warns about each of them."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


_lock = threading.Lock()
_open: list[_Browser] = []


def render(figure: dict[str, Any], options: dict[str, Any]) -> bytes:
    """Draw a figure's JSON form; kaleido's ``format``, ``width``, ``height`` and ``scale`` are the options.

    A browser that died since the last figure is replaced once.

    Raises:
        ExportError: there is no Chromium, it did not start, or it did not draw the figure in time.
    """
    path = chromium()
    if path is None:
        raise ExportError(MISSING)
    with _lock:
        warm = bool(_open)
        try:
            return _warm(path).draw(figure, options)
        except _failures() as error:
            late = isinstance(error, TimeoutError)  # (an OSError) a figure that takes too long would do so again
            _discard(answers=not late)
            if late or not warm:
                raise _failed(error, path) from error
        try:
            return _warm(path).draw(figure, options)
        except _failures() as error:
            _discard(answers=not isinstance(error, TimeoutError))
            raise _failed(error, path) from error


def _failed(error: BaseException, path: str) -> ExportError:
    said = " ".join(str(part) for part in error.args).strip() or "no answer in time"
    return ExportError(
        f"{path} did not draw the figure ({type(error).__name__}: {said[:300]}). Try once more; if it stays so, start "
        f"`{path} --headless --version` in a terminal. HTML and CSV work without it."
    )


def _warm(path: str) -> _Browser:
    if _open and (_open[0].path != path or _open[0].pid != os.getpid()):
        _discard()
    if not _open:
        _open.append(_Browser(path))
        # only now: what is registered last runs first, and the folders that Chromium works in are removed at exit too
        atexit.unregister(close)
        atexit.register(close)
    return _open[0]


def _discard(*, answers: bool = True) -> None:
    while _open:
        _open.pop().close(answers=answers)


def close() -> None:
    """End the browser, if one is open; the next figure opens another."""
    with _lock:
        _discard()

"""A page of figures, and what a browser does with it."""

from __future__ import annotations

DRAWN = "n => document.querySelectorAll('.fluoroscope-plot-note[hidden]').length === n"
CAMERA = "gd => gd._fullLayout.scene._scene.getCamera().eye"


class Watch:
    """A page, and what it asked for and complained about."""

    def __init__(self, browser, root: str) -> None:
        self.root = root
        self.page = browser.new_page(viewport={"width": 1100, "height": 700}, accept_downloads=True)
        self.page.set_default_timeout(30_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, message) -> None:
        if message.type == "error" or "WebGL contexts" in message.text:
            self.complaints.append(message.text)

    def show(self, part: str, plots: int) -> None:
        self.page.goto(f"{self.root}/?show={part}")
        self.page.wait_for_function(DRAWN, arg=plots)

    def figure(self, alt: str):
        return self.page.get_by_role("img", name=alt, exact=True)

    def centre(self, alt: str) -> tuple[float, float]:
        """The middle of a figure's plotting area, in pixels of the page."""
        box = self.figure(alt).bounding_box()
        size = self.figure(alt).evaluate("gd => gd._fullLayout._size")
        return box["x"] + size["l"] + size["w"] / 2, box["y"] + size["t"] + size["h"] / 2

    def drag(self, start: tuple[float, float], dx: int, dy: int) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(start[0] + dx / 2, start[1] + dy / 2, steps=4)
        self.page.mouse.move(start[0] + dx, start[1] + dy, steps=4)
        self.page.mouse.up()

    def wait_for_text(self, text: str) -> None:
        self.page.get_by_text(text, exact=True).wait_for()

    def remote(self) -> list[str]:
        return [url for url in self.requests if not url.startswith((self.root, "blob:", "data:"))]

"""Looking at a page as a person does, and at what the browser says of it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

WIDTHS = (360, 768, 1280)
_GRAVE = frozenset({"serious", "critical"})


class Looking:
    """A tab. *complaints*: what was written to the console, and requests that left or were kept from leaving."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        self._context = self._browser.new_context()
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", self._failed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # who goes on to another page does not wait for the rest of this one
            self.complaints.append(f"failed: {request.url[:200]}")

    def barriers(self) -> list[str]:
        """What keeps somebody from using the page, as axe-core finds it: rule and elements, for serious and critical ones."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {', '.join(node['target'][0] for node in one['nodes'])}"
            for one in found
            if one["impact"] in _GRAVE
        ]

    def overflows(self) -> bool:
        """Whether the page as a whole has to be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

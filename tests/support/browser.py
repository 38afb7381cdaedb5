"""A real browser for tests: the Chromium of the system, without a window, driven by playwright.

Called by the tests of pages. Never downloads a browser, and never passes over a test where there is none.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """This machine has no browser that we can start."""

    def __init__(self) -> None:
        super().__init__(
            "No browser to test pages with. Install Chromium (Debian, Ubuntu: apt-get install chromium; "
            f"otherwise Google Chrome): one of {', '.join(NAMES)} has to be found on the PATH."
        )


def executable() -> str:
    """Where the browser is; raises `NoBrowser`."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise NoBrowser


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """One running browser; each test opens a context of its own in it."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        yield running
        await running.close()

"""
A real Chromium, without a window, that looks at a real box.

Whatever it asks of another host, whatever its content security policy stops, and every error of a script is noted; no test
passes with any.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from real_box import Box
from real_browser import DESKTOP, PATIENCE_MS, PHONE, Window

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """
    Start the browser.

    Without it the test is skipped, except in CI, which installs it.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        reason = f"there is no browser here (looked for {', '.join(PROGRAMS)}); on Debian: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium: Browser, box: Box) -> Iterator[type[Window]]:
    """Open windows of a size, in a language, light or dark; at the end, none of them may have anything to complain of."""
    opened: list[tuple[BrowserContext, Window]] = []

    def open_window(
        *, size: dict[str, int] = DESKTOP, language: str = "en", scheme: str = "light", scripts: bool = True
    ) -> Window:
        context = chromium.new_context(
            viewport=size,  # type: ignore[arg-type]  # a TypedDict of the same members
            locale=language,
            color_scheme=scheme,  # type: ignore[arg-type]  # one of its literals
            java_script_enabled=scripts,
            has_touch=size is PHONE,
        )
        context.set_default_timeout(PATIENCE_MS)
        window = Window(page=context.new_page(), base_url=box.base_url)
        window.page.on("request", window.note_request)
        window.page.on("console", window.note_message)
        window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
        opened.append((context, window))
        return window

    yield open_window  # type: ignore[misc]  # a function that makes windows
    for context, window in opened:
        context.close()
        assert window.elsewhere == []
        assert window.complaints == []

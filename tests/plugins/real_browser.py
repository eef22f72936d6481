"""A window of a real browser, which notes what it should not have had to: for the tests in `browser`."""

from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request

WCAG_2_1_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 860}
PATIENCE_MS = 10_000


@dataclass(kw_only=True)
class Window:
    """
    One browser window.

    Attributes
    ----------
    elsewhere : list of str
        Addresses of other hosts that it asked for.
    complaints : list of str
        What its console said was wrong, its content security policy included.
    """

    page: Page
    base_url: str
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page and wait until all that it names is there."""
        self.page.goto(self.base_url + path)

    def violations(self) -> list[str]:
        """Let axe-core look at the page; give what it finds against WCAG 2.1 AA."""
        found = Axe().run(self.page, options={"runOnly": WCAG_2_1_AA, "resultTypes": ["violations"]})
        return [
            f"{each['id']}: {', '.join(node['html'][:120] for node in each['nodes'][:3])}"
            for each in found.response["violations"]
        ]

    def is_too_wide(self) -> bool:
        """Tell whether the page has to be moved sideways to be read."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def note_request(self, request: Request) -> None:
        """Note what is asked of other hosts."""
        if not request.url.startswith((f"{self.base_url}/", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def note_message(self, message: ConsoleMessage) -> None:
        """Note what the console says is wrong; that an answer is an error is no complaint of its page."""
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

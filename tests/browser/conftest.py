"""A headless Chromium for tests of the report: whatever a page does that a reader must not see fails its test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Debian's and Chrome's own names; Playwright's download of a browser is not used
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests of a process; skips where none is installed."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium here (Debian: apt install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def open_report(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a report: `open_report(file, width=1000, height=800, dark=False, hash="")` gives the Playwright page.

    At the end of the test the page must have made no request but for its file, and no error or warning in the console.
    """
    contexts: list[Any] = []
    requests: list[str] = []
    faults: list[str] = []

    def opened(
        file: Path, *, width: int = 1000, height: int = 800, dark: bool = False, hash: str = "", **context: Any
    ) -> Any:
        scheme = "dark" if dark else "light"
        contexts.append(
            browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **context)
        )
        page = contexts[-1].new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(file.resolve().as_uri() + hash)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not [url for url in requests if not url.startswith(("file:", "blob:", "data:"))]
    assert not faults

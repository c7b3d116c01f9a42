"""A headless Chromium for tests of the report: whatever a page does that a reader must not see fails its test.

Tests of this folder are marked `browser` and left out of `make test`, but for those of test_report_opens.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl, write_jsonl

# Debian's and Chrome's own names; Playwright's download of a browser is not used
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
IN_EVERY_RUN = "test_report_opens.py"
CLAIMS = REPO / "examples" / "claims" / "demo-larger.yaml"
# Axe's degrees; "moderate" and "minor" are advice
GRAVE = ("serious", "critical")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder before markers select."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name != IN_EVERY_RUN:
            item.add_marker(pytest.mark.browser)


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


@pytest.fixture(scope="session")
def demo_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Runs in the names of the two demo models on demo_math, with made answers: no model is loaded.

    The smaller one is wrong in two of three samples, the larger one in one of four, of which some have no answer.
    """
    import harness

    folder = tmp_path_factory.mktemp("runs")
    rows = read_jsonl(REPO / "tasks" / "demo" / "demo_math.jsonl")
    runs = (folder / "demo-smaller", folder / "demo-larger")
    for run, right in zip(runs, (lambda place: place % 3 == 0, lambda place: place % 4 != 0), strict=True):
        answers = [
            {
                "task": "demo_math",
                "sample_id": row["id"],
                "completion": row["answer"] if right(place) else "#### 1" if place % 5 else "No idea.",
            }
            for place, row in enumerate(rows)
        ]
        file = write_jsonl(folder / f"{run.name}.jsonl", answers)
        harness.evaluate(run.name, tasks="demo_math", engine="scripted", completions=str(file), out=str(run))
    return runs


@pytest.fixture(scope="session")
def demo_report(demo_runs: tuple[Path, ...]) -> Path:
    """The report of these runs, with two claims about the demo models."""
    from harness.claims.runs import Given
    from harness.html_report.writing import write_report

    made = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return write_report(demo_runs[0].parent / "report.html", Given(demo_runs), [str(CLAIMS)], made=made)


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


@pytest.fixture(scope="session")
def access_faults() -> Callable[[Any], list[str]]:
    """What axe-core finds serious or critical in an open page: one line for each rule, with the first elements."""
    axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

    def found(page: Any) -> list[str]:
        rules = axe_playwright.Axe().run(page).response["violations"]
        return [
            f"{rule['id']}: {rule['help']}: {[node['html'][:150] for node in rule['nodes'][:3]]}"
            for rule in rules
            if rule["impact"] in GRAVE
        ]

    return found

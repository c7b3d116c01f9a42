"""Each shipped suite: its pages are there, and bind to the real data where the mirror has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Binder
from harness.config import pages
from harness.config.building import run_config
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader
from harness.errors import DataError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.plan import suite_pages
from harness.scoring.services import Services

SUITES = sorted(path.stem for path in (Path(__file__).parents[2] / "configs" / "suites").glob("*.yaml"))


class Bound:
    """How many requests the first rows of a page give; a page with the same settings is bound once for all suites."""

    def __init__(self, mirror: Path) -> None:
        self.loader, self.tools = Loader(mirror), Services("auto", Limits()).tools()
        self.known: dict[str, int] = {}

    def requests(self, page: TaskPage, source: YamlPage) -> int:
        """Count them; 0 where the mirror does not hold the data."""
        settings = page.model_dump_json(exclude={"name"})
        if settings not in self.known:
            style = "text" if page.prompt.text is not None else "chat"
            scorers = page_scorers(page, source, self.tools)
            try:
                self.known[settings] = len(Binder(self.loader, style, limit=2).bind(page, source, scorers).requests)
            except DataError as error:
                if "mirror" not in str(error):
                    raise
                self.known[settings] = 0
        return self.known[settings]


@pytest.fixture(scope="module")
def bound(mirror: Path) -> Bound:
    return Bound(mirror)


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
def test_every_task_of_a_shipped_suite_binds(name: str, bound: Bound) -> None:
    found = [bound.requests(page, source) for page, source in suite_pages(run_config(None, name, None, {}, "test"))]
    assert any(found), f"the mirror has data of no task of {name}"


@pytest.mark.slow
def test_the_quick_suite_is_parts_with_one_seed_and_says_so() -> None:
    suite = pages.suite_page("quick")
    assert "random parts" in suite.about and "seed 1" in suite.about
    for page, _ in suite_pages(run_config(None, "quick", None, {}, "test")):
        assert page.data.sample is not None and page.data.sample.seed == 1

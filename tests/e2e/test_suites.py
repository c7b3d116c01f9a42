"""Each shipped suite: its pages are there, and bind to the real data where the mirror has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Binder
from harness.config import pages
from harness.config.building import run_config
from harness.data.rows import Loader
from harness.errors import DataError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.plan import suite_pages
from harness.scoring.services import Services

SUITES = sorted(path.stem for path in (Path(__file__).parents[2] / "configs" / "suites").glob("*.yaml"))


@pytest.mark.parametrize("name", SUITES)
def test_every_task_of_a_shipped_suite_binds(name: str, mirror: Path) -> None:
    config = run_config(None, name, None, {}, "test")
    tools, bound = Services("auto", Limits()).tools(), 0
    for page, source in suite_pages(config):
        style = "text" if page.prompt.text is not None else "chat"
        try:
            task = Binder(Loader(mirror), style, limit=2).bind(page, source, page_scorers(page, source, tools))
        except DataError as error:
            if "mirror" not in str(error):
                raise
            continue
        assert task.requests, page.name
        bound += 1
    assert bound or name in ("demo",), f"the mirror has data of no task of {name}"


def test_the_quick_suite_is_parts_with_one_seed_and_says_so() -> None:
    suite = pages.suite_page("quick")
    assert "random parts" in suite.about and "seed 1" in suite.about
    for page, _ in suite_pages(run_config(None, "quick", None, {}, "test")):
        assert page.data.sample is not None and page.data.sample.seed == 1

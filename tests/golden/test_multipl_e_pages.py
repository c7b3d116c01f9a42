"""MultiPL-E's pages in every language, with no toolchain: rows, stop strings, and the function that is asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.catalog import Binder
from harness.config import pages
from harness.data.rows import Loader, read_file
from harness.datatypes import Tests, TextPrompt
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

PAGES = sorted(name for name in pages.index("tasks") if name.startswith("multipl_e_"))


def test_both_benchmarks_are_there_in_nine_languages() -> None:
    languages = {"cpp", "cs", "go", "java", "js", "php", "rs", "sh", "ts"}
    assert set(PAGES) == {f"multipl_e_{kind}{one}" for kind in ("", "mbpp_") for one in languages}


@pytest.mark.parametrize("name", PAGES)
def test_prompts_and_stop_strings_are_the_datas_and_the_function_is_found(mirror: Path, name: str) -> None:
    page, source = pages.task_page(name)
    services = Services("auto", Limits())
    task = Binder(Loader(mirror), "text").bind(page, source, page_scorers(page, source, services.tools()))
    file = next((mirror / "nuprl/MultiPL-E" / str(page.data.name)).glob("test.jsonl*"))
    rows = {row["name"]: row for row in read_file(file)}
    assert page.prompt.text is not None
    for request in task.requests:
        row = rows[request.sample_id]
        stop = row["stop_tokens"] if isinstance(row["stop_tokens"], list) else json.loads(row["stop_tokens"])
        assert isinstance(request.prompt, TextPrompt) and request.prompt.text == row["prompt"]
        assert page.prompt.text.stop == stop
    unnamed = []
    for sample in task.samples:
        assert isinstance(sample.reference, Tests)
        entry = sample.reference.entry_point or ""
        if not re.fullmatch(r"\w+", entry) or f"{entry}(" not in rows[sample.id]["prompt"].splitlines()[-1]:
            unnamed.append(sample.id)
    # One of Java's prompts of MBPP names a type that no compiler takes, with a parenthesis in it
    assert len(unnamed) <= (name == "multipl_e_mbpp_java"), unnamed
    services.close()

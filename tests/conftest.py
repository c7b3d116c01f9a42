"""What many tests need: the command line in this process, small pages on disk, and the real data where it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from files import SHARED, SUMS_PAGE, write_jsonl
from hypothesis import settings

# Real and made-up servers, shared by a session
pytest_plugins = ["servers.fixtures"]

# A busy machine makes any example slow; what is too slow is for benchmarks to show
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# Before any hub library is imported: no test may reach for the network
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Several test processes share the cores; models here are too small for more
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.pop("HARNESS_MIRROR", None)
# No folder: a test that alters a model's code must not be answered by what an earlier self-check found
os.environ["HARNESS_CACHE"] = os.devnull


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked `toolchain("go")` where that language's compiler is not installed."""
    from harness import plugins

    marked = {name for item in items for mark in item.iter_markers("toolchain") for name in mark.args}
    lacking = {name for name in marked if plugins.load("language", name).build().missing() is not None}
    out = [item for item in items if any(lacking.intersection(mark.args) for mark in item.iter_markers("toolchain"))]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and tokenizers beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("the real data (../shared) is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def mirror(shared: Path) -> Path:
    """Real benchmark data in the layout of an offline mirror."""
    return shared / "data"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Outcome]:
    """Type a command: `cli("run", "--limit", "3")`, in a folder of the test's own."""
    from harness.cli.main import main

    monkeypatch.chdir(tmp_path)

    def type_in(*words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        seen = capsys.readouterr()
        return Outcome(code, seen.out, seen.err)

    return type_in


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """A task page of ten additions, in the test's folder."""
    rows = [{"id": f"s{i}", "a": i, "b": 2 * i, "total": 3 * i} for i in range(10)]
    write_jsonl(tmp_path / "sums.jsonl", rows)
    page = tmp_path / "sums.yaml"
    page.write_text(SUMS_PAGE, encoding="utf-8")
    return page


@pytest.fixture
def sums_answers(tmp_path: Path) -> Path:
    """Answers to the additions, of which the last three are wrong."""
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": f" it is {3 * i if i < 7 else 1000 + i}"}
        for i in range(10)
    ]
    return write_jsonl(tmp_path / "answers.jsonl", rows)

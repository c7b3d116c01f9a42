"""Every shipped task page: what it states of itself, its gold answers on the real data, and its prompts.

Gold answers are those of the first rows; of a page with several configs, of the first row of each config too.

`tests/golden/prompts/PAGE.txt` has the first three prompts of each page, without the data (`golden_prompts.py`);
`make golden` writes the files again, and `git diff` shows then what changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import golden_prompts
import pytest
from golden_prompts import FOLDER, PROMPTS, first_requests, golden, missing_splits, shown, styles

from harness import validate
from harness.catalog import Task
from harness.config import pages
from harness.config.task_page import TaskPage
from harness.data.rows import Loader, is_file_name
from harness.datatypes import Answer, Choice, Completion, GenerateRequest, Sample, Style, Tests
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.errors import ConfigError, DataError
from harness.execution.base import Limits
from harness.scoring.golds import gold_fault
from harness.scoring.services import Services

NAMES = sorted(pages.index("tasks"))
# Rows whose gold answers are scored, and rows of pages that run programs
ROWS, PROGRAMS, SLOW_PROGRAMS = 20, 1, 20
REFERENCE = re.compile(r"lm-evaluation-harness [0-9.]+, task \S+")
# The mirror does not hold their data, or not every split; they are checked as far as that goes
NOT_IN_MIRROR = {
    *("arc_easy", "arc_easy_cot", "global_mmlu", "global_mmlu_cot", "livecodebench", "mathqa", "mmlu_pro", "wikitext"),
    *(f"humaneval_{kind}_infilling" for kind in ("single_line", "multi_line", "random_span")),
    *("arithmetic_1dc", "arithmetic_2dm", *(f"arithmetic_{digits}d{sign}" for digits in "2345" for sign in "as")),
}
PAGES = {name: pages.task_page(name)[0] for name in NAMES}


def with_toolchain(name: str) -> Any:
    """A page as a parameter of a test that runs its programs."""
    tests = PAGES[name].reference.tests
    return name if tests is None else pytest.param(name, marks=pytest.mark.toolchain(tests.language))


MIRRORED = [name for name in NAMES if name not in NOT_IN_MIRROR]
PROGRAM_PAGES = [with_toolchain(name) for name in MIRRORED if PAGES[name].reference.tests]
# Programs of other samples fail: test_code_references.py
READ = [name for name in MIRRORED if PAGES[name].ask == "generate" and not PAGES[name].reference.tests]
# Their data have tests, but no solution that could be run as the gold answer
WITHOUT_GOLD = re.compile(r"multipl_e_.*")


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    # Whether an answer is right is the question here, not whether a busy machine runs it in the default time:
    # BigCodeBench's authors allow their solutions 240 s
    services = Services("auto", Limits(wall_seconds=120))
    yield services
    services.close()


class Pages:
    """Pages bound to the first rows of the mirror, each once."""

    def __init__(self, mirror: Path, services: Services) -> None:
        self.mirror, self.services = mirror, services
        self.bound = cache(self._bound)

    def of_each_config(self, name: str) -> Iterator[dict[Style, Task]]:
        """Yield, in one style, the first row of each config but the first, whose rows `bound` has."""
        configs = PAGES[name].data.name
        for config in configs[1:] if isinstance(configs, list) else ():
            yield self._bound(name, 1, config)

    def _bound(self, name: str, rows: int, config: str | None = None) -> dict[Style, Task]:
        page, source = pages.task_page(name)
        if config is not None:
            data = page.data.model_copy(update={"name": config})
            page = page.model_copy(update={"data": data, "expected_count": None})
        loader, tools = Loader(self.mirror), self.services.tools()
        wanted = styles(page) if config is None else styles(page)[:1]
        try:
            return {style: golden_prompts.bound(page, source, style, loader, tools, rows) for style in wanted}
        except (ConfigError, DataError) as error:
            if "install harness[" in str(error):
                pytest.skip(str(error))
            raise


@pytest.fixture(scope="module")
def bound(mirror: Path, services: Services) -> Pages:
    return Pages(mirror, services)


@pytest.fixture(scope="module")
def encoders(shared: Path) -> dict[Style, PromptEncoder]:
    return golden_prompts.encoders(shared / "tokenizers")


# --- what needs no data --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_valid_and_says_where_it_comes_from(name: str) -> None:
    page, _, notes = validate.check_page(name)
    assert notes
    assert page.source.licence, "source.licence is missing"
    if is_file_name(page.data.path):
        return
    assert page.source.data, "source.data is missing: where are the rows from?"
    # Where each run chooses its rows, or copies differ as the note says, no number of them can be stated
    assert page.expected_count or page.data.must_set or "no count is expected" in (page.source.note or ""), (
        "expected_count is missing: a data set that grew or shrank would go unnoticed"
    )
    pinned = page.data.revision is not None and re.fullmatch("[0-9a-f]{40}", page.data.revision)
    assert pinned or "revision" in (page.source.note or ""), "no 40-digit data.revision, and source.note says not why"
    reference = page.source.reference or ""
    if reference.startswith("lm-eval"):
        assert REFERENCE.fullmatch(reference), "benchmarks/parity_tasks.py does not find this reference"


def test_the_golden_files_are_of_pages_that_exist() -> None:
    """A renamed page leaves no file behind that nothing checks."""
    assert {path.stem for path in FOLDER.glob("*.txt")} <= set(NAMES)


def test_the_pages_without_data_are_the_known_ones(mirror: Path) -> None:
    lacking = set()
    for name in NAMES:
        page, source = pages.task_page(name)
        if missing_splits(page, source.path.parent, mirror):
            lacking.add(name)
    assert lacking == NOT_IN_MIRROR & set(NAMES)


# --- what needs the data -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [with_toolchain(name) for name in MIRRORED])
def test_gold_answers_score_1_and_empty_ones_0(name: str, bound: Pages) -> None:
    page = PAGES[name]
    _refuse_faults(name, page, bound, PROGRAMS if page.reference.tests else ROWS)
    count = next(iter(bound.bound(name, ROWS).values())).total
    assert page.expected_count in (count, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAM_PAGES)
def test_gold_programs_score_1_and_empty_ones_0(name: str, bound: Pages) -> None:
    # Later rows of BigCodeBench need packages or a network: test_bigcodebench.py has those that run here
    _refuse_faults(name, PAGES[name], bound, 3 if name == "bigcodebench_hard" else SLOW_PROGRAMS)


def _refuse_faults(name: str, page: TaskPage, bound: Pages, rows: int) -> None:
    for tasks in (bound.bound(name, ROWS), *bound.of_each_config(name)):
        _refuse_faults_of(name, page, tasks, rows)


def _refuse_faults_of(name: str, page: TaskPage, tasks: dict[Style, Task], rows: int) -> None:
    # Scores read the same from either style, but for what a prompt has before the completion
    for style, task in tasks.items():
        samples = task.sample_of()
        for request in [each for each in task.requests if each.repeat == 0][:rows]:
            sample = samples[request.sample_id]
            if isinstance(request, GenerateRequest) and sample.gold is None:
                assert WITHOUT_GOLD.fullmatch(name) or page.gold, "the page has no gold answer"
                empty = [scorer.score(sample, request.prompt, _said(request, "")).value for scorer in task.scorers]
                assert set(empty) == {0.0}, f"{style}: an empty answer scores {empty}"
            fault = gold_fault(task.scorers, sample, request)
            assert fault is None, f"{style}: {fault}"


def _said(request: GenerateRequest, text: str) -> Completion:
    return Completion(request.key, text, "eos")


@pytest.mark.parametrize("name", READ)
def test_answers_to_other_samples_score_by_chance_only(name: str, bound: Pages) -> None:
    """A scorer that accepts anything gives every gold answer 1 too; here each sample gets the next one's."""
    for style, task in bound.bound(name, ROWS).items():
        if len(task.samples) < 2:
            continue
        first = [request for request in task.requests if request.repeat == 0]
        for scorer in task.scorers:
            accepted = same = 0
            for number, request in enumerate(first):
                other = task.samples[(number + 1) % len(task.samples)]
                value = scorer.score(task.samples[number], request.prompt, _said(request, other.gold or "")).value
                accepted += value or 0
                same += _same(task.samples[number], other)
            # Another answer may count too (0.5 for 1/2, a shared prefix), but rarely
            most = same + max(2, len(first) // 10)
            assert accepted <= most, (
                f"{style}: {scorer.name} accepts {accepted:g} answers to other samples, {same} equal"
            )


def _same(sample: Sample, other: Sample) -> bool:
    """Whether two samples have the same right answer."""
    mine, its = sample.reference, other.reference
    if isinstance(mine, Choice) and isinstance(its, Choice):
        return bool(set(mine.right) & set(its.right))
    assert not isinstance(mine, Tests)
    if isinstance(mine, Answer) and isinstance(its, Answer):
        return bool({_plain(value) for value in mine.values} & {_plain(value) for value in its.values})
    return False


def _plain(answer: str) -> str:
    return "".join(answer.lower().split()).replace(",", "")


@pytest.mark.parametrize("name", MIRRORED)
def test_prompts_are_as_recorded(name: str, bound: Pages, encoders: dict[Style, PromptEncoder]) -> None:
    """The first three prompts, rendered by a base and a chat tokenizer, byte for byte."""
    page = PAGES[name]
    tasks = bound.bound(name, ROWS)
    path = FOLDER / f"{name}.txt"
    assert path.is_file(), f"there is no {path.name}: run `make golden` and look at what it wrote"
    recorded, now = path.read_text(encoding="utf-8"), golden(page, tasks, encoders)
    if recorded == now:
        return
    changed = [
        number for number, (a, b) in enumerate(zip(recorded.split("\n"), now.split("\n"), strict=False)) if a != b
    ]
    first = changed[0] if changed else min(recorded.count("\n"), now.count("\n"))
    lines = now.split("\n")
    before = recorded.split("\n")[first : first + 1]
    message = [
        f"the prompts of the page {name!r} changed, first in line {first + 1} of {path.name}:",
        f"  recorded: {before}",
        f"  now:      {lines[first : first + 1]}",
        "If that is meant, raise the page's version, run `make golden`, and look at `git diff`. The first prompt now:",
    ]
    for style, task in tasks.items():
        for part, text in shown(first_requests(task)[0], encoders[style]).parts:
            message.append(f"--- {style}, {part}:\n{text}")
    pytest.fail("\n".join(message), pytrace=False)


def test_three_prompts_are_recorded_of_every_page_and_style() -> None:
    for path in FOLDER.glob("*.txt"):
        page = PAGES[path.stem]
        heads = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("== ")]
        assert len(heads) == len(styles(page)) * min(PROMPTS, page.expected_count or PROMPTS), path.name

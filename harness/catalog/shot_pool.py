"""The worked examples of a page's questions: which rows may be examples, and which of them each question gets.

Guarantees: no question is its own example, by the question's text and its right answer; rows under test are examples
with `leave_one_out` only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config.task_page import Data, ShotData, TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader, Row, Split, is_file_name
from harness.datatypes import Choice, Reference, Sample, Style
from harness.errors import ConfigError
from harness.prompts import build as prompts
from harness.prompts import same_question
from harness.prompts.build import Shot
from harness.samples import LETTERS, loaded, rows_kept, sample_of


@dataclass(frozen=True, slots=True)
class ShotPool:
    """The rows that may be examples, and their split where they come from one."""

    shots: list[Shot]
    split: Split | None


def pool_of(loader: Loader, page: TaskPage, source: YamlPage, style: Style, prepare: Callable[[Row], Row]) -> ShotPool:
    """Return the rows that may be examples of a page that has some (`fewshot`).

    Raises ConfigError or DataError with the page's line, also where they would be the rows under test.
    """
    spec = page.fewshot
    assert spec is not None
    if spec.split is None:
        return ShotPool([Shot(str(number), row) for number, row in enumerate(spec.rows)], None)
    with source.at("fewshot", "split"):
        if (spec.split == page.data.split and spec.data is None) != spec.leave_one_out:
            raise ConfigError(
                "`leave_one_out` goes with the split under test"
                if spec.leave_one_out
                else "shots must not come from the split under test, unless with `leave_one_out: true`"
            )
    if spec.data is not None:
        with source.at("fewshot", "data"):
            if _is_under_test(page.data, spec.data, spec.split, source.path.parent):
                raise ConfigError("this is the split under test; shots come from it with `leave_one_out: true` only")
            split = loaded(loader, spec.data, source.path.parent, spec.split)
        return ShotPool([Shot(str(number), row) for number, row in enumerate(split.rows)], split)
    with source.at("fewshot", "split"):
        path = source.path.parent / page.data.path
        if not spec.leave_one_out and is_file_name(page.data.path) and path.is_file():
            raise ConfigError(f"{page.data.path} is one file; shots need a folder with one file a split")
    with source.at("fewshot"):
        split = loaded(loader, page.data, source.path.parent, spec.split)
        rows = rows_kept(page, source, split)
    samples = [sample_of(page, source, split, prepare, number) for number in rows]
    with source.at("prompt", style):
        shots = [Shot(each.id, with_gold_option(each), _content(page, style, each)) for each in samples]
    return ShotPool(shots, split)


def examples_of(
    pool: ShotPool, page: TaskPage, source: YamlPage, style: Style, samples: Sequence[Sample]
) -> list[list[Shot]]:
    """Return the examples of each sample, chosen as `fewshot` says. Raises ConfigError or DataError with the line."""
    with source.at("prompt", style):
        shots, contents = _compared(page, style, pool.shots, samples)
    with source.at("fewshot"):
        return prompts.shots_of(page.fewshot, shots, contents, [sample.inputs for sample in samples])


def question_of(page: TaskPage, style: Style, sample: Sample) -> str:
    """Return a sample's question as the page writes it, without examples. Raises ConfigError or DataError."""
    return prompts.question_text(page.prompt, style, with_gold_option(sample))


def with_gold_option(shot: Sample) -> Mapping[str, Any]:
    """Return a sample's columns as a worked example has them: with the right `option` and `letter` of a choice."""
    if not isinstance(shot.reference, Choice):
        return shot.inputs
    gold = shot.reference.gold
    return {**shot.inputs, "option": shot.reference.options[gold], "letter": LETTERS[gold]}


def _is_under_test(data: Data, shots: ShotData, split: str, folder: Path) -> bool:
    """Whether examples of other data would come from the very rows that are scored."""
    if is_file_name(shots.path):
        path = (folder / shots.path).resolve()
        return path == (folder / data.path).resolve() and (path.is_file() or split == data.split)
    names = data.name if isinstance(data.name, list) else [data.name]
    if (shots.path, shots.file) != (data.path, data.file) or shots.name not in names:
        return False
    return shots.file is not None or split == data.split


def _compared(
    page: TaskPage, style: Style, pool: list[Shot], samples: Sequence[Sample]
) -> tuple[list[Shot], Sequence[Set[Hashable]]]:
    """The pool, and for each sample the contents of the rows of the pool that are the sample itself."""
    spec = page.fewshot
    if not pool or spec is None:
        return pool, [frozenset() for _ in samples]
    if spec.split is not None and spec.data is None:
        return pool, [{_content(page, style, sample)} for sample in samples]
    rows, questions = [shot.variables for shot in pool], [with_gold_option(sample) for sample in samples]
    contents, texts = same_question.compared(page.prompt, style, rows, questions)
    return [replace(shot, content=content) for shot, content in zip(pool, contents, strict=True)], texts


def _content(page: TaskPage, style: Style, sample: Sample) -> tuple[str, Reference]:
    """What makes two rows the same: the question's text, and the right answer."""
    return " ".join(question_of(page, style, sample).split()), sample.reference

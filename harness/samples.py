"""Rows of a split -> samples of a page: id, inputs, the right answer as its kind of reference, the gold completion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from harness.config.task_page import ChoiceReference, Data, DrawnRows, ShotData, TaskPage, TestsReference
from harness.config.yaml_page import YamlPage
from harness.data.rows import DataSet, Loader, Row, Split
from harness.datatypes import Answer, Choice, Reference, Sample, StdinCase, Tests, Text
from harness.errors import DataError
from harness.prompts.build import is_expression, render, render_value

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def loaded(loader: Loader, data: Data | ShotData, folder: Path, split: str) -> Split:
    """Load a split of a page's data, of all configs where the page in `folder` lists several.

    Raises DataError or HubError.
    """
    if not isinstance(data.name, list):
        return loader.load(DataSet(data.path, data.name, data.revision, folder, data.file), split, data.columns)
    sets = tuple(DataSet(data.path, name, data.revision, folder, data.file) for name in data.name)
    return loader.load_all(sets, split, data.columns)


def rows_kept(page: TaskPage, source: YamlPage, split: Split) -> list[int]:
    """The numbers of a split's rows that `where` keeps. Raises DataError where it keeps none or is no condition."""
    if page.data.where is None:
        return list(range(len(split.rows)))
    kept = []
    with source.at("data", "where"):
        for number, row in enumerate(split.rows):
            with row_named(f"row {number}, from 0, of {split.origin}"):
                verdict = render(page.data.where, _with_config(page, row)).strip()
                if verdict not in ("True", "False"):
                    raise DataError(f"`where` must print True or False; it printed {verdict[:40]!r}")
            if verdict == "True":
                kept.append(number)
        if not kept:
            raise DataError(f"`where` keeps none of the {len(split.rows)} rows of {split.origin}")
    return kept


def rows_drawn(page: TaskPage, source: YamlPage, kept: Sequence[int]) -> list[int]:
    """Those of `kept` that `sample` draws, in data order; all without it. Raises DataError where there are too few."""
    drawn = page.data.sample
    if drawn is None:
        return list(kept)
    if drawn.count > len(kept):
        with source.at("data", "sample"):
            raise DataError(f"a sample of {drawn.count} rows wanted, but there are {len(kept)}; set sample.count lower")
    return sorted(Random(drawn.seed).sample(kept, len(kept))[: drawn.count])


def with_drawn(page: TaskPage, limit: int, seed: int, rows: int) -> TaskPage:
    """Return a page that draws `limit` of its `rows` rows with `seed`; fewer where it draws fewer by itself.

    All rows of a page that has no more than `limit` are no random part, and the page is returned as it is.
    """
    own = page.data.sample
    count = min(limit, rows, *([own.count] if own else []))
    drawn = own if count == rows else DrawnRows(count=count, seed=seed)
    return page.model_copy(update={"data": page.data.model_copy(update={"sample": drawn})})


def sample_of(page: TaskPage, source: YamlPage, split: Split, prepare: Callable[[Row], Row], number: int) -> Sample:
    """Make the sample of a row. Raises DataError with the number of a row that cannot be used."""
    with row_named(f"row {number}, from 0, of {split.origin}"):
        return _sample(page, source, prepare(_with_config(page, split.rows[number])), number)


def sample_of_row(page: TaskPage, source: YamlPage, row: Row) -> Sample:
    """Make the sample of a row that is prepared already. Raises DataError for a row that cannot be used."""
    return _sample(page, source, row, 0)


def _with_config(page: TaskPage, row: Row) -> Row:
    """The row with its config as `config`; rows of several configs have it from the loader."""
    return {"config": page.data.name, **row} if isinstance(page.data.name, str) else row


def refuse_equal_ids(samples: Sequence[Sample], source: YamlPage) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            with source.at("data", "id"):
                raise DataError(f"two rows have the sample id {sample.id!r}; ids must differ")
        seen.add(sample.id)


@contextmanager
def row_named(row: str) -> Iterator[None]:
    """Put the row that cannot be used behind the message of a DataError that passes by."""
    try:
        yield
    except DataError as error:
        error.args = (f"{error} ({row})",)
        raise


def _sample(page: TaskPage, source: YamlPage, row: Row, number: int) -> Sample:
    variables: dict[str, Any] = dict(row)
    reference = _reference(page, source, variables)
    if isinstance(reference, Choice):
        variables |= {"options": list(reference.options), "letters": list(LETTERS[: len(reference.options)])}
    with source.at("data", "id"):
        name = render(page.data.id, variables) if page.data.id else str(number)
    with source.at("data", "group"):
        group = render(page.data.group, variables) if page.data.group else None
    with source.at("gold"):
        gold = (render(page.gold, variables) or None) if page.gold is not None else None
    return Sample(name, variables, reference, gold, group)


def _reference(page: TaskPage, source: YamlPage, variables: Mapping[str, Any]) -> Reference:
    spec = page.reference
    if spec.answer is not None:
        with source.at("reference", "answer"):
            return _answer(spec.answer, variables)
    if spec.choice is not None:
        with source.at("reference", "choice"):
            return _choice(spec.choice, variables)
    if spec.text is not None:
        with source.at("reference", "text"):
            text = render(spec.text, variables)
            if not text.strip():
                raise DataError(f"the text renders to nothing for the row {str(variables)[:120]}")
            return Text(text)
    assert spec.tests is not None
    with source.at("reference", "tests"):
        return _tests(spec.tests, variables)


def _texts(templates: str | Sequence[str], variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Fill a list of templates, or one list template."""
    if not isinstance(templates, str):
        return tuple(render(template, variables) for template in templates)
    values = render_value(templates, variables)
    if not isinstance(values, list) or not values or any(isinstance(each, list | dict | type(None)) for each in values):
        raise DataError(f"expected a list of texts or numbers, and one entry at least; it is {str(values)[:120]!r}")
    return tuple(str(value) for value in values)


def _answer(answers: str | Sequence[str], variables: Mapping[str, Any]) -> Answer:
    values = _texts(answers, variables)
    if not all(value.strip() for value in values):
        raise DataError(f"an answer renders to nothing for the row {str(variables)[:120]}")
    return Answer(values)


def _choice(spec: ChoiceReference, variables: Mapping[str, Any]) -> Choice:
    options = _texts(spec.options, variables)
    if not 2 <= len(options) <= len(LETTERS):
        raise DataError(f"{len(options)} options; there must be 2 at least, and only {len(LETTERS)} have a letter")
    given = render_value(spec.gold, variables) if is_expression(spec.gold) else render(spec.gold, variables)
    golds = [str(index).strip() for index in (given if isinstance(given, list) else [given])]
    wrong = [index for index in golds if not index.isdecimal() or int(index) >= len(options)]
    if wrong or not golds or len(set(golds)) < len(golds):
        raise DataError(f"gold must be the index of an option, 0 to {len(options) - 1}; it is {str(given)!r}")
    return Choice(options, int(golds[0]), tuple(map(int, golds[1:])))


def _tests(spec: TestsReference, variables: Mapping[str, Any]) -> Tests:
    check = render(spec.check, variables).strip()
    if check not in ("by_value", "in_process"):
        raise DataError(f"check must be by_value or in_process; it is {check!r}")
    tests = render(spec.tests, variables)
    cases = _cases(spec.cases, variables) if spec.cases is not None else ()
    if spec.cases is not None and bool(cases) == bool(tests.strip()):
        raise DataError(f"the row has {'both tests and' if cases else 'neither tests nor'} cases; it needs one of them")
    return Tests(
        language=spec.language,
        prelude=render(spec.prelude, variables),
        tests=tests,
        entry_point=render(spec.entry_point, variables) if spec.entry_point is not None else None,
        check="in_process" if check == "in_process" else "by_value",
        packages=_packages(spec.packages, variables),
        suffix=render(spec.suffix, variables),
        cases=cases,
        output=spec.output,
    )


def _packages(spec: str | Sequence[str], variables: Mapping[str, Any]) -> tuple[str, ...]:
    names = render_value(spec, variables) if isinstance(spec, str) else spec
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise DataError(f"packages must be a list of names; it is {str(names)[:120]!r}")
    return tuple(names)


def _cases(template: str, variables: Mapping[str, Any]) -> tuple[StdinCase, ...]:
    cases = render_value(template, variables)
    if not isinstance(cases, list):
        raise DataError(f"cases must be a list; it is {str(cases)[:120]!r}")
    for case in cases:
        if not isinstance(case, dict) or {type(case.get(key)) for key in ("stdin", "stdout")} != {str}:
            raise DataError(f"each case must be {{stdin: text, stdout: text}}; one is {str(case)[:120]!r}")
    return tuple(StdinCase(case["stdin"], case["stdout"]) for case in cases)

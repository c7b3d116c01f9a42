"""One task page -> one bound Task: samples, prompts and requests with their keys, scorers and metrics, all checked.

Everything a page can be wrong in is found here, before any weight loads: columns, templates, counts, few-shot rows,
scorer options, metrics. Binding is deterministic: the same page, data, style and seed give the same keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from harness import plugins
from harness.analysis import metric
from harness.config.schema import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.page_code import row_preparer, script_digest
from harness.data.rows import DataSet, Loader, Row, Split, is_file_name
from harness.datatypes import (
    Answer,
    Choice,
    GenerateRequest,
    LikelihoodRequest,
    Prompt,
    Reference,
    Request,
    RollingRequest,
    Sample,
    Sampling,
    Style,
    Tests,
    Text,
)
from harness.errors import ConfigError, DataError
from harness.prompts import build as prompts
from harness.prompts.fewshot import choose
from harness.prompts.template import render
from harness.scoring.base import TaskScorer, Tools
from harness.scoring.factory import build_scorers

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Keys of a page that do not change what a model is asked
ABOUT_SCORING = {"about", "source", "score", "metric", "expected_count", "gold", "repeats", "variants"}


@dataclass(frozen=True, slots=True)
class Task:
    """A page bound to its data. `requests[i]` asks `samples[i // repeats]`; `total` counts rows before a limit.

    `commit`: that of the hub data set which was read. No part of the fingerprint, whose data hash says more.
    """

    name: str
    page: TaskPage
    style: Style
    samples: tuple[Sample, ...]
    requests: tuple[Request, ...]
    scorers: tuple[TaskScorer, ...]
    total: int
    fingerprint: Mapping[str, Any]
    commit: str | None = None

    def sample_of(self) -> dict[str, Sample]:
        """Sample id -> sample."""
        return {sample.id: sample for sample in self.samples}


@dataclass(frozen=True, slots=True)
class Binder:
    """What all tasks of a run share when they are bound.

    `style` is the model's, or the user's own wish (`insists`); `limit` counts samples a task; `trust_page_code`: Python
    files of pages that are not the project's own may run.
    """

    loader: Loader
    tools: Tools
    style: Style
    limit: int | None = None
    seed: int = 0
    insists: bool = False
    trust_page_code: bool = False

    def bind(self, page: TaskPage, source: YamlPage) -> Task:
        """Bind one page. Raises ConfigError, DataError or HubError with the page's file and line."""
        scorers = page_scorers(page, source, self.tools)
        style = prompts.pick_style(page.prompt, self.style, self.insists, source.where(("prompt",)))
        # Before the data, which may have to be downloaded
        prepare = row_preparer(source.path, trusted=self.trust_page_code)
        data = DataSet(page.data.path, page.data.name, page.data.revision, source.path.parent, page.data.file)
        split = self.loader.load(data, page.data.split, page.data.columns, source.where(("data",)))
        if page.expected_count is not None and len(split.rows) != page.expected_count:
            raise DataError(
                f"{source.where(('expected_count',))}{split.origin} has {len(split.rows)} rows, "
                f"the page expects {page.expected_count}"
            )
        samples = _samples(page, source, split, prepare, self.limit)
        _refuse_twins(samples, source)
        pool, pool_split = self._pool(page, source, data, prepare)
        asked = _in_pool(page, source, style, samples, pool)
        shots = choose(page.fewshot, pool, [shot.id for shot in pool], asked, source.where(("fewshot",)))
        fingerprint = _fingerprint(page, source.path, split, pool_split, style)
        requests: list[Request] = []
        where = source.where(("prompt", style))
        for sample, its_shots in zip(samples, shots, strict=True):
            worked = [_with_gold_option(shot) for shot in its_shots]
            try:
                prompt = prompts.build_prompt(page.prompt, style, sample.inputs, worked, where)
                requests += self._requests(page, source, style, sample, prompt, str(fingerprint["ask"]))
            except DataError as error:
                raise DataError(f"{error} (sample {sample.id!r} of {split.origin})") from None
        total = len(split.rows)
        return Task(page.name, page, style, tuple(samples), tuple(requests), scorers, total, fingerprint, split.commit)

    def _pool(
        self, page: TaskPage, source: YamlPage, data: DataSet, prepare: Callable[[Row], Row]
    ) -> tuple[list[Sample], Split | None]:
        if page.fewshot is None or page.fewshot.count == 0:
            return [], None
        where = source.where(("fewshot", "split"))
        if page.fewshot.split == page.data.split:
            raise ConfigError(f"{where}shots must not come from the split under test")
        if is_file_name(data.path) and (data.folder / data.path).is_file():
            raise ConfigError(f"{where}{data.path} is one file; shots need a folder with one file a split")
        split = self.loader.load(data, page.fewshot.split, page.data.columns, source.where(("fewshot",)))
        return _samples(page, source, split, prepare, None), split

    def _requests(
        self, page: TaskPage, source: YamlPage, style: Style, sample: Sample, prompt: Prompt, ask: str
    ) -> list[Request]:
        if page.ask == "loglikelihood":
            assert isinstance(sample.reference, Choice)
            where = source.where(("prompt", style, "target"))
            continuations = tuple(
                prompts.continuation(page.prompt, style, {**sample.inputs, "option": option, "letter": letter}, where)
                for option, letter in zip(sample.reference.options, LETTERS, strict=False)
            )
            blank = [number for number, option in enumerate(sample.reference.options) if not option.strip()]
            if blank:
                raise DataError(
                    f"{source.where(('reference', 'choice', 'options'))}option {blank[0]} is blank, and a blank text "
                    "may be the likeliest; leave it out"
                )
            if len({text.strip() for text in continuations} - {""}) < len(continuations):
                raise DataError(
                    f"{where}two options are continued by the same text; target must print {{{{ option }}}} or "
                    "{{ letter }}, and the options must differ"
                )
            key = _key(ask, sample.id, 0, prompt, list(continuations))
            return [LikelihoodRequest(key, page.name, sample.id, 0, prompt, continuations)]
        if isinstance(sample.reference, Text):
            key = _key(ask, sample.id, 0, prompt, sample.reference.text)
            return [RollingRequest(key, page.name, sample.id, 0, prompt, sample.reference.text)]
        assert page.sampling is not None
        sampling = Sampling(
            max_tokens=page.sampling.max_tokens,
            temperature=page.sampling.temperature,
            top_p=page.sampling.top_p,
            top_k=page.sampling.top_k,
            stop=prompts.stop_strings(page.prompt, style),
            seed=page.sampling.seed + self.seed,
            logprobs=page.sampling.logprobs,
        )
        # What only asks for more about the same answer is left out of its key unless it is set
        settings = {name: value for name, value in asdict(sampling).items() if name != "logprobs" or value}
        return [
            GenerateRequest(
                _key(ask, sample.id, repeat, prompt, settings),
                page.name,
                sample.id,
                repeat,
                prompt,
                sampling,
            )
            for repeat in range(page.repeats)
        ]


def page_scorers(page: TaskPage, source: YamlPage, tools: Tools) -> tuple[TaskScorer, ...]:
    """Build a page's scorers, and check all that needs neither data nor model: metrics, options, the language.

    Raises ConfigError or UnknownName with the page's file and line.
    """
    for name in page.metric:
        bound = metric.bind(name, page.repeats, where=source.where(("metric",)))
        if hasattr(bound, "of_corpus") != (page.reference.text is not None):
            # A mean of bits would pass for an accuracy, and only likelihoods have sums over a corpus
            where, fits = source.where(("metric",)), "bits_per_byte" if page.reference.text else "mean"
            raise ConfigError(f"{where}metric {name} does not go with `ask: {page.ask}`; name another, such as {fits}")
    if page.reference.tests is not None:
        plugins.load("language", page.reference.tests.language, where=source.where(("reference", "tests", "language")))
    with source.at("score"):
        return build_scorers(page.score, tools)


def _samples(
    page: TaskPage, source: YamlPage, split: Split, prepare: Callable[[Row], Row], limit: int | None
) -> list[Sample]:
    """Make the samples of a split. Raises DataError with the number of the row that none can be made of."""
    samples = []
    for number, row in enumerate(split.rows[:limit]):
        try:
            samples.append(_sample(page, source, prepare(row), number))
        except DataError as error:
            raise DataError(f"{error} (row {number}, from 0, of {split.origin})") from None
    return samples


def _in_pool(
    page: TaskPage, source: YamlPage, style: Style, samples: Sequence[Sample], pool: Sequence[Sample]
) -> list[frozenset[int]]:
    """For each sample the places in the pool of rows that are the same: the same question with the same answer."""
    if not pool:
        return [frozenset() for _ in samples]
    where = source.where(("prompt", style))

    def content(sample: Sample) -> tuple[str, Reference]:
        return " ".join(prompts.question_text(page.prompt, style, sample.inputs, where).split()), sample.reference

    places: dict[tuple[str, Reference], set[int]] = {}
    for place, shot in enumerate(pool):
        places.setdefault(content(shot), set()).add(place)
    return [frozenset(places.get(content(sample), ())) for sample in samples]


def _sample(page: TaskPage, source: YamlPage, row: Row, number: int) -> Sample:
    variables: dict[str, Any] = dict(row)
    reference = _reference(page, source, variables)
    if isinstance(reference, Choice):
        variables |= {"options": list(reference.options), "letters": list(LETTERS[: len(reference.options)])}
    name = render(page.data.id, variables, source.where(("data", "id"))) if page.data.id else str(number)
    group = render(page.data.group, variables, source.where(("data", "group"))) if page.data.group else None
    gold = render(page.gold, variables, source.where(("gold",))) if page.gold is not None else None
    return Sample(name, variables, reference, gold, group)


def _reference(page: TaskPage, source: YamlPage, variables: Mapping[str, Any]) -> Reference:
    spec = page.reference
    if spec.answer is not None:
        where = source.where(("reference", "answer"))
        values = tuple(render(answer, variables, where) for answer in spec.answer)
        if not all(value.strip() for value in values):
            raise DataError(f"{where}an answer renders to nothing for the row {str(variables)[:120]}")
        return Answer(values)
    if spec.choice is not None:
        where = source.where(("reference", "choice"))
        options = tuple(render(option, variables, where) for option in spec.choice.options)
        if len(options) > len(LETTERS):
            raise DataError(f"{where}{len(options)} options, but only {len(LETTERS)} have a letter")
        gold = render(spec.choice.gold, variables, where).strip()
        if not gold.isdecimal() or int(gold) >= len(options):
            raise DataError(f"{where}gold must be the index of an option, 0 to {len(options) - 1}; it is {gold!r}")
        return Choice(options, int(gold))
    if spec.text is not None:
        where = source.where(("reference", "text"))
        text = render(spec.text, variables, where)
        if not text.strip():
            raise DataError(f"{where}the text renders to nothing for the row {str(variables)[:120]}")
        return Text(text)
    assert spec.tests is not None
    where = source.where(("reference", "tests"))
    entry_point = spec.tests.entry_point
    check = render(spec.tests.check, variables, where).strip()
    if check not in ("by_value", "in_process"):
        raise DataError(f"{where}check must be by_value or in_process; it is {check!r}")
    return Tests(
        language=spec.tests.language,
        prelude=render(spec.tests.prelude, variables, where),
        tests=render(spec.tests.tests, variables, where),
        entry_point=render(entry_point, variables, where) if entry_point is not None else None,
        check="in_process" if check == "in_process" else "by_value",
        packages=tuple(spec.tests.packages),
    )


def _with_gold_option(shot: Sample) -> Mapping[str, Any]:
    if not isinstance(shot.reference, Choice):
        return shot.inputs
    gold = shot.reference.gold
    return {**shot.inputs, "option": shot.reference.options[gold], "letter": LETTERS[gold]}


def _refuse_twins(samples: Sequence[Sample], source: YamlPage) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise DataError(f"{source.where(('data', 'id'))}two rows have the sample id {sample.id!r}; ids must differ")
        seen.add(sample.id)


def _fingerprint(page: TaskPage, path: Path, split: Split, pool: Split | None, style: Style) -> dict[str, Any]:
    """What must agree before two runs of this task may be compared."""
    logic = script_digest(path)
    # Options are shown or continued; an answer or tests only judge. Without defaults: a new key changes no hash
    asks_about = page.reference.choice or page.reference.text
    scoring = ABOUT_SCORING if asks_about else ABOUT_SCORING | {"reference"}
    asked = page.model_dump(exclude=scoring, exclude_defaults=True)
    ask = _hash([asked, style, split.digest, pool.digest if pool else None, logic])
    return {
        "version": page.version,
        "page": page.model_dump(mode="json", exclude={"about", "source", "variants"}, exclude_defaults=True),
        "logic": logic,
        "ask": ask,
        "style": style,
        "shots": page.fewshot.count if page.fewshot else 0,
        "data": split.digest,
        "shots_data": pool.digest if pool else None,
        "revision": split.revision,
    }


def _key(ask: str, sample_id: str, repeat: int, prompt: Prompt, settings: Any) -> str:
    return _hash([ask, sample_id, repeat, _without_defaults(prompt), settings])[:32]


def _without_defaults(value: Any) -> dict[str, Any]:
    """A dataclass's fields but those at their defaults, so that a field that comes later changes no key."""
    kept = {
        field.name for field in fields(value) if getattr(value, field.name) != field.default or field.name == "kind"
    }
    return {name: content for name, content in asdict(value).items() if name in kept}


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

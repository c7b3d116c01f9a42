"""One task page -> one bound Task: samples, prompts and requests with their keys, scorers and metrics, all checked.

Every fault of a page is found here, before any weight loads: columns, templates, counts, few-shot rows,
scorer options, metrics. Binding is deterministic: the same page, data, style and seed give the same keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from harness.config.task_page import Data, ShotData, TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import DataSet, Loader, Row, Split, is_file_name
from harness.datatypes import (
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
    Text,
    TextPrompt,
)
from harness.errors import ConfigError, DataError
from harness.prompts import build as prompts
from harness.prompts import same_question
from harness.prompts.build import Shot, ShotText
from harness.samples import LETTERS, refuse_equal_ids, row_named, rows_drawn, rows_kept, sample_of, with_drawn
from harness.scoring.base import TaskScorer

# Keys of a page that change neither its requests nor its scores
DESCRIPTIVE = {"about", "code", "tags", "languages", "source", "variants"}
# Keys of a page that do not change the requests
ABOUT_SCORING = {
    *DESCRIPTIVE,
    *("score", "metric", "expected_count", "gold", "repeats"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A page bound to its data. `requests[i]` is of `samples[i // repeats]`; `total` counts rows before a limit.

    `commit`: of the hub data set that was read. Not part of the fingerprint, which has a hash of the data.
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

    `style` is the model's, or the one that the user named (`insists`); `limit` counts samples of a task, the first ones
    or, with `limit_seed`, a random part;
    `trust_page_code`: Python files of pages that are not shipped with the harness may run.
    """

    loader: Loader
    style: Style
    limit: int | None = None
    seed: int = 0
    insists: bool = False
    trust_page_code: bool = False
    limit_seed: int | None = None

    def bind(self, page: TaskPage, source: YamlPage, scorers: tuple[TaskScorer, ...]) -> Task:
        """Bind one page, with its scorers (`page_scorers`).

        Raises ConfigError, DataError or HubError with the page's file and line.
        """
        with source.at("prompt"):
            style = prompts.pick_style(page.prompt, self.style, self.insists)
        _refuse_unset(page, source)
        # Before the data, which may have to be downloaded
        prepare = _prepare(source, self.trust_page_code)
        sets = _data_sets(page.data, source.path.parent)
        with source.at("data"):
            split = self._load(sets, page.data.split, page.data.columns)
            kept = rows_kept(page, source, split)
        if page.expected_count is not None and len(kept) != page.expected_count:
            with source.at("expected_count"):
                raise DataError(f"{split.origin} has {len(kept)} rows, the page expects {page.expected_count}")
        if self.limit is not None and self.limit_seed is not None:
            page = with_drawn(page, self.limit, self.limit_seed, len(kept))
        rows = rows_drawn(page, source, kept)[: self.limit]
        # Random examples are drawn for one question after the other: a part of the task has those of the whole
        walked = kept[: kept.index(rows[-1]) + 1] if page.fewshot and page.fewshot.choose == "random" else rows
        samples = [sample_of(page, source, split, prepare, number) for number in walked]
        refuse_equal_ids(samples, source)
        pool, pool_split = self._pool(page, source, style, prepare)
        with source.at("prompt", style):
            pool, contents = _compared(page, style, pool, samples)
        with source.at("fewshot"):
            shots = prompts.shots_of(page.fewshot, pool, contents, [sample.inputs for sample in samples])
        if len(rows) < len(walked):
            taken = set(rows)
            places = [place for place, number in enumerate(walked) if number in taken]
            samples, shots = [samples[place] for place in places], [shots[place] for place in places]
        fingerprint = _fingerprint(page, source.script, split, pool_split, style)
        requests: list[Request] = []
        # By the place in memory of a shot: many questions share one, and each is rendered once
        texts: dict[int, ShotText] = {}
        for sample, its_shots in zip(samples, shots, strict=True):
            with row_named(f"sample {sample.id!r} of {split.origin}"), source.at("prompt", style):
                for shot in its_shots:
                    if id(shot) not in texts:
                        texts[id(shot)] = prompts.shot_text(page.prompt, style, shot.variables)
                worked = [texts[id(shot)] for shot in its_shots]
                requests += self._requests(page, source, style, sample, worked, str(fingerprint["ask"]))
        total = len(kept)
        return Task(page.name, page, style, tuple(samples), tuple(requests), scorers, total, fingerprint, split.commit)

    def _load(self, sets: tuple[DataSet, ...] | DataSet, split: str, columns: Sequence[str]) -> Split:
        if isinstance(sets, DataSet):
            return self.loader.load(sets, split, columns)
        return self.loader.load_all(sets, split, columns)

    def _pool(
        self, page: TaskPage, source: YamlPage, style: Style, prepare: Callable[[Row], Row]
    ) -> tuple[list[Shot], Split | None]:
        """The rows that may be examples, and their split where they come from one."""
        spec = page.fewshot
        if spec is None or spec.count == 0:
            return [], None
        if spec.split is None:
            return [Shot(str(number), row) for number, row in enumerate(spec.rows)], None
        with source.at("fewshot", "split"):
            if (spec.split == page.data.split and spec.data is None) != spec.leave_one_out:
                raise ConfigError(
                    "`leave_one_out` goes with the split under test"
                    if spec.leave_one_out
                    else "shots must not come from the split under test, unless with `leave_one_out: true`"
                )
        if spec.data is not None:
            sets = _data_sets(spec.data, source.path.parent)
            with source.at("fewshot", "data"):
                if _is_under_test(page.data, spec.data, spec.split, source.path.parent):
                    raise ConfigError(
                        "this is the split under test; shots come from it with `leave_one_out: true` only"
                    )
                split = self._load(sets, spec.split, spec.data.columns)
            return [Shot(str(number), row) for number, row in enumerate(split.rows)], split
        sets = _data_sets(page.data, source.path.parent)
        with source.at("fewshot", "split"):
            path = source.path.parent / page.data.path
            if not spec.leave_one_out and is_file_name(page.data.path) and path.is_file():
                raise ConfigError(f"{page.data.path} is one file; shots need a folder with one file a split")
        with source.at("fewshot"):
            split = self._load(sets, spec.split, page.data.columns)
            rows = rows_kept(page, source, split)
        samples = [sample_of(page, source, split, prepare, number) for number in rows]
        with source.at("prompt", style):
            return [Shot(each.id, _with_gold_option(each), _content(page, style, each)) for each in samples], split

    def _requests(
        self,
        page: TaskPage,
        source: YamlPage,
        style: Style,
        sample: Sample,
        shots: Sequence[ShotText],
        ask: str,
    ) -> list[Request]:
        if page.ask == "loglikelihood":
            request = _likelihood_request(page, source, style, sample, shots)
            settings: Any = list(request.continuations)
            if request.contexts:
                settings = [settings, [_without_defaults(context) for context in request.contexts]]
            return [replace(request, key=_key(ask, sample.id, 0, request.prompt, settings))]
        prompt = prompts.build_prompt(page.prompt, style, sample.inputs, shots)
        if isinstance(sample.reference, Text):
            key = _key(ask, sample.id, 0, prompt, sample.reference.text)
            return [RollingRequest(key, page.name, sample.id, 0, prompt, sample.reference.text)]
        assert page.sampling is not None
        sampling = Sampling(
            max_tokens=page.sampling.max_tokens,
            temperature=page.sampling.temperature,
            top_p=page.sampling.top_p,
            top_k=page.sampling.top_k,
            stop=prompts.stop_strings(page.prompt, style, sample.inputs),
            seed=page.sampling.seed + self.seed,
            logprobs=page.sampling.logprobs,
            max_reasoning_tokens=page.sampling.max_reasoning_tokens,
        )
        # Later settings are left out of a key unless they are set
        later = ("logprobs", "max_reasoning_tokens")
        settings = {name: value for name, value in asdict(sampling).items() if name not in later or value}
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


def _refuse_unset(page: TaskPage, source: YamlPage) -> None:
    """Raise ConfigError where a run does not set what the page leaves to it, with what to write."""
    unset = [key for key in page.data.must_set if getattr(page.data, key) is None]
    if unset:
        flags = " ".join(f"--set 'tasks.{page.name}.data.{key}={page.data.must_set[key]}'" for key in unset)
        with source.at("data", "must_set"):
            raise ConfigError(
                f"scores of {page.name} compare only for the same data.{' and data.'.join(page.data.must_set)}, "
                f"which have no default; set, for example, {flags}"
            )


def _prepare(source: YamlPage, trusted: bool) -> Callable[[Row], Row]:
    """`prepare(row)` of a page's Python file, or a function that changes nothing. Raises ConfigError."""
    if not source.script.is_file() and "code" not in source.data:
        return lambda row: row
    from harness.data.page_code import page_code

    return page_code(source, trusted=trusted).prepare


def _likelihood_request(
    page: TaskPage, source: YamlPage, style: Style, sample: Sample, shots: Sequence[ShotText]
) -> LikelihoodRequest:
    """The request for one continuation an option, or for the target alone; its key is still empty."""

    def prompt_of(variables: Mapping[str, Any]) -> Prompt:
        return prompts.build_prompt(page.prompt, style, variables, shots)

    def continued(variables: Mapping[str, Any]) -> str:
        with source.at("prompt", style, "target"):
            return prompts.continuation(page.prompt, style, variables)

    if not isinstance(sample.reference, Choice):
        target = continued(sample.inputs)
        if not target.strip():
            with source.at("prompt", style, "target"):
                raise DataError("the target, whose log-likelihood is requested, is blank")
        return LikelihoodRequest("", page.name, sample.id, 0, prompt_of(sample.inputs), (target,))
    spec, options = page.reference.choice, sample.reference.options
    assert spec is not None
    blank = [number for number, option in enumerate(options) if not option.strip()]
    if blank:
        with source.at("reference", "choice", "options"):
            raise DataError(f"option {blank[0]} is blank, and a blank text may be the likeliest; leave it out")
    shown = [
        {**sample.inputs, "option": each, "letter": letter} for each, letter in zip(options, LETTERS, strict=False)
    ]
    continuations = tuple(map(continued, shown))
    contexts = tuple(map(prompt_of, shown)) if spec.options_in == "prompt" else ()
    scored = [(text.strip(), str(contexts[place]) if contexts else "") for place, text in enumerate(continuations)]
    # Data may have a wrong option twice, which changes nothing
    if any(scored.count(scored[place]) > 1 for place in sample.reference.right) or any(not text for text, _ in scored):
        with source.at("prompt", style, "target"):
            raise DataError(
                "two options are continued by the same text; target must print {{ option }} or {{ letter }}, "
                "and the options must differ"
            )
    if contexts:
        return LikelihoodRequest("", page.name, sample.id, 0, contexts[0], continuations, contexts)
    prompt = prompt_of(sample.inputs)
    if spec.unconditional:
        contexts = (prompt,) * len(options) + (TextPrompt(""),) * len(options)
        return LikelihoodRequest("", page.name, sample.id, 0, prompt, continuations * 2, contexts)
    return LikelihoodRequest("", page.name, sample.id, 0, prompt, continuations)


def _data_sets(data: Data | ShotData, folder: Path) -> tuple[DataSet, ...] | DataSet:
    """The data set, or one for each config where the page lists them."""
    if isinstance(data.name, list):
        return tuple(DataSet(data.path, name, data.revision, folder, data.file) for name in data.name)
    return DataSet(data.path, data.name, data.revision, folder, data.file)


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
    rows, questions = [shot.variables for shot in pool], [_with_gold_option(sample) for sample in samples]
    contents, texts = same_question.compared(page.prompt, style, rows, questions)
    return [replace(shot, content=content) for shot, content in zip(pool, contents, strict=True)], texts


def _content(page: TaskPage, style: Style, sample: Sample) -> tuple[str, Reference]:
    """What makes two rows the same: the question's text, and the right answer."""
    shown = _with_gold_option(sample)
    return " ".join(prompts.question_text(page.prompt, style, shown).split()), sample.reference


def _with_gold_option(shot: Sample) -> Mapping[str, Any]:
    if not isinstance(shot.reference, Choice):
        return shot.inputs
    gold = shot.reference.gold
    return {**shot.inputs, "option": shot.reference.options[gold], "letter": LETTERS[gold]}


def _fingerprint(page: TaskPage, script: Path, split: Split, pool: Split | None, style: Style) -> dict[str, Any]:
    """What must agree before two runs of this task may be compared."""
    logic = hashlib.sha256(script.read_bytes()).hexdigest() if script.is_file() else None
    # Options are shown or continued; an answer or tests only judge. Without defaults: a new key changes no hash
    in_request = page.reference.choice or page.reference.text
    scoring = ABOUT_SCORING if in_request else ABOUT_SCORING | {"reference"}
    shown = page.model_dump(exclude=_keys(scoring), exclude_defaults=True)
    # Without the Python file: what it makes of a row is in the prompt, and so in the request's key; it may only score.
    # None is in its place, so that keys of pages without one stay what they were
    ask = _hash([shown, style, split.digest, pool.digest if pool else None, None])
    return {
        "version": page.version,
        "page": page.model_dump(mode="json", exclude=_keys(DESCRIPTIVE), exclude_defaults=True),
        "logic": logic,
        "ask": ask,
        "style": style,
        "shots": page.fewshot.count if page.fewshot else 0,
        "data": split.digest,
        "shots_data": pool.digest if pool else None,
        "revision": split.revision,
    }


def _keys(names: Set[str]) -> dict[str, Any]:
    """Keys of a page to leave out, and what changes no request: which part of the rows is run, and examples to set."""
    return {**dict.fromkeys(names, True), "data": {"sample": True, "must_set": True}}


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

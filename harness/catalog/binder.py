"""One task page -> one bound Task: samples, prompts and requests with their keys, scorers and metrics, all checked.

Every fault of a page is found here, before any weight loads: columns, templates, counts, few-shot rows,
scorer options, metrics. Binding is deterministic: the same page, data, style and seed give the same keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from harness.catalog.likelihood import likelihood_request
from harness.catalog.shot_pool import examples_of, pool_of
from harness.config.task_page import Perturbed, TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader, Row, Split
from harness.datatypes import (
    Choice,
    GenerateRequest,
    Prompt,
    Request,
    RollingRequest,
    Sample,
    Sampling,
    Style,
    Text,
)
from harness.errors import ConfigError, DataError
from harness.perturb.base import NamesSamples
from harness.perturb.bound import Known, PerturbedSamples, opened, perturbed
from harness.prompts import build as prompts
from harness.prompts.build import Shot, ShotText
from harness.samples import (
    loaded,
    refuse_equal_ids,
    row_named,
    rows_drawn,
    rows_kept,
    sample_of,
    sample_of_row,
    with_drawn,
)
from harness.scoring.base import TaskScorer

# Keys of a page that change neither its requests nor its scores
DESCRIPTIVE = {"about", "code", "tags", "languages", "source", "probe", "variants", "perturb"}
# Keys of a page that do not change the requests
ABOUT_SCORING = {
    *DESCRIPTIVE,
    *("score", "metric", "expected_count", "gold", "repeats"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A page bound to its data. `requests[i]` is of `samples[i // repeats]`; `total` counts rows before a limit.

    `commit`: of the hub data set that was read. Not part of the fingerprint, which has a hash of the data.
    `perturbed`: which of the rows have changed questions, where the page has them or the unchanged ones of the same.
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
    perturbed: PerturbedSamples | None = None

    def not_changed(self) -> Mapping[str, int]:
        """How many samples have no changed questions, by the reason; nothing for a task of changed ones, or without."""
        spec = self.page.data.perturbed
        return self.perturbed.left_out if self.perturbed and spec and spec.rows == "originals" else {}

    def sample_of(self) -> dict[str, Sample]:
        """Sample id -> sample."""
        return {sample.id: sample for sample in self.samples}


@dataclass(frozen=True, slots=True)
class Binder:
    """What all tasks of a run share when they are bound.

    `style` is the model's, or the one that the user named (`insists`); `either_style`: a page of the other style fits
    too, unless the user named one; `limit` counts samples of a task, the first ones or, with `limit_seed`, a random
    part; `trust_page_code`: Python files of pages that are not shipped with the harness may run.
    """

    loader: Loader
    style: Style
    limit: int | None = None
    seed: int = 0
    insists: bool = False
    trust_page_code: bool = False
    limit_seed: int | None = None
    either_style: bool = False
    _variants: Known = field(default_factory=dict)

    def bind(self, page: TaskPage, source: YamlPage, scorers: tuple[TaskScorer, ...]) -> Task:
        """Bind one page, with its scorers (`page_scorers`).

        Raises ConfigError, DataError or HubError with the page's file and line.
        """
        with source.at("prompt"):
            style = prompts.pick_style(page.prompt, self.style, self.insists, either=self.either_style)
        _refuse_unset(page, source)
        # Before the data, which may have to be downloaded
        prepare = _prepare(source, self.trust_page_code)
        with source.at("data"):
            split = loaded(self.loader, page.data, source.path.parent, page.data.split)
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
        _refuse_unlabelled(page, source, scorers, samples)
        pool_split: Split | None = None
        shots: list[list[Shot]] = [[] for _ in samples]
        if page.fewshot is not None and page.fewshot.count:
            pool = pool_of(self.loader, page, source, style, prepare)
            shots, pool_split = examples_of(pool, page, source, style, samples), pool.split
        if len(rows) < len(walked):
            taken = set(rows)
            places = [place for place, number in enumerate(walked) if number in taken]
            samples, shots = [samples[place] for place in places], [shots[place] for place in places]
        fingerprint = _fingerprint(page, source.script, split, pool_split, style)
        changes = None
        if page.data.perturbed is not None:

            def every_id() -> set[str]:
                known = dict(zip(rows, samples, strict=True))
                found = (known.get(row) or sample_of(page, source, split, prepare, row) for row in kept)
                return {sample.id for sample in found}

            changes, fingerprint = self._perturbed(page, source, samples, fingerprint, every_id)
            samples, shots = _with_variants(page.data.perturbed, changes, samples, shots)
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
        # Variants are no rows of the data
        total = len(samples) if page.data.perturbed and page.data.perturbed.rows == "variants" else len(kept)
        return Task(
            page.name, page, style, tuple(samples), tuple(requests), scorers, total, fingerprint, split.commit, changes
        )

    def _perturbed(
        self,
        page: TaskPage,
        source: YamlPage,
        samples: Sequence[Sample],
        fingerprint: dict[str, Any],
        every_id: Callable[[], set[str]],
    ) -> tuple[PerturbedSamples, dict[str, Any]]:
        """The variants of the samples, and the fingerprint of a task with them. `every_id`: also of rows not run."""
        spec = page.data.perturbed
        assert spec is not None
        with source.at("data", "perturbed"):
            perturbation = opened(spec, source.path.parent)
            # Of all rows, so that a wrong id is found whatever part of them is run
            if isinstance(perturbation, NamesSamples):
                perturbation.check_ids(page, every_id())
            found = perturbed(
                page, perturbation, samples, lambda row: sample_of_row(page, source, dict(row)), self._variants
            )
        if spec.rows == "originals":
            return found, fingerprint
        made_by = dict(perturbation.identity)
        return found, {**fingerprint, "ask": _hash([fingerprint["ask"], made_by]), "perturbation": made_by}

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
            request = likelihood_request(page, source, style, sample, shots)
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


def _with_variants(
    spec: Perturbed, found: PerturbedSamples, samples: list[Sample], shots: list[list[Shot]]
) -> tuple[list[Sample], list[list[Shot]]]:
    """The samples that have variants, or the variants, each with the examples of the unchanged question."""
    if spec.rows == "originals":
        return [samples[place] for place in found.kept], [shots[place] for place in found.kept]
    return [each.sample for each in found.variants], [shots[each.place] for each in found.variants]


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


def _refuse_unlabelled(
    page: TaskPage, source: YamlPage, scorers: Sequence[TaskScorer], samples: Sequence[Sample]
) -> None:
    """Raise DataError for a sample with more options than a scorer of generated text has labels for."""
    if page.ask != "generate" or page.reference.choice is None:
        return
    for number, scorer in enumerate(scorers):
        most = getattr(scorer.scorer, "most_options", None)
        if most is None:
            continue
        for sample in samples:
            if isinstance(sample.reference, Choice) and len(sample.reference.options) > most:
                with source.at("score", number):
                    raise DataError(
                        f"{scorer.name!r} has {most} `letters`, and sample {sample.id!r} has "
                        f"{len(sample.reference.options)} options; give each option its letter"
                    )


def _prepare(source: YamlPage, trusted: bool) -> Callable[[Row], Row]:
    """`prepare(row)` of a page's Python file, or a function that changes nothing. Raises ConfigError."""
    if not source.script.is_file() and "code" not in source.data:
        return lambda row: row
    from harness.data.page_code import page_code

    return page_code(source, trusted=trusted).prepare


def _fingerprint(page: TaskPage, script: Path, split: Split, pool: Split | None, style: Style) -> dict[str, Any]:
    """What must agree before two runs of this task may be compared."""
    logic = hashlib.sha256(script.read_bytes()).hexdigest() if script.is_file() else None
    # Options are shown or continued; an answer or tests only judge. Without defaults: a new key changes no hash
    rows = page.data.perturbed.rows if page.data.perturbed else None
    in_request = page.reference.choice or page.reference.text
    scoring = ABOUT_SCORING if in_request else ABOUT_SCORING | {"reference"}
    shown = page.model_dump(exclude=_keys(scoring, rows), exclude_defaults=True)
    # Without the Python file: what it makes of a row is in the prompt, and so in the request's key; it may only score.
    # None is in its place, so that keys of pages without one stay what they were
    ask = _hash([shown, style, split.digest, pool.digest if pool else None, None])
    return {
        "version": page.version,
        "page": page.model_dump(mode="json", exclude=_keys(DESCRIPTIVE, rows), exclude_defaults=True),
        "logic": logic,
        "ask": ask,
        "style": style,
        "shots": page.fewshot.count if page.fewshot else 0,
        "data": split.digest,
        "shots_data": pool.digest if pool else None,
        "revision": split.revision,
    }


def _keys(names: Set[str], rows: str | None) -> dict[str, Any]:
    """Keys of a page to leave out, and what changes no request: which part of the rows is run, and examples to set."""
    of_data: dict[str, Any] = {"sample": True, "must_set": True}
    # Unchanged questions are requested as in a run without changed ones
    of_data["perturbed"] = True if rows != "variants" else {"file": True, "of": True}
    return {**dict.fromkeys(names, True), "data": of_data}


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

"""How a page of lm-evaluation-harness scores, as scorers, extractors and metrics of ours.

Only what gives the same score on the same completion is carried; anything else is a ConfigError with file and line.
Functions of the page score through the Python file that is written beside our page. Those that run programs by
`code_eval` are known by a hash of their code, and become unit tests in the sandbox: no program runs anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import ConfigError
from harness.importing.lm_eval_code import digest_of_function
from harness.importing.lm_eval_task import ForeignTask
from harness.importing.lm_eval_yaml import Function

DEFAULT_METRICS = {
    "loglikelihood": ("perplexity", "acc"),
    "loglikelihood_rolling": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
    "multiple_choice": ("acc", "acc_norm"),
    "generate_until": ("exact_match",),
}
CHOICE = {"acc": None, "acc_norm": "chars", "acc_bytes": "bytes", "acc_mutual_info": "unconditional"}
MATCHING = {
    "ignore_case": "ignore_case",
    "ignore_punctuation": "ignore_punctuation",
    "ignore_numbers": "ignore_digits",
}
FALLBACK = "[invalid]"
DEFAULT_PATTERN = r"#### (\-?[0-9\.\,]+)"
VERBATIM = {"by": "code", "verbatim": True, "strip_reasoning": False}
# Functions that run programs with `code_eval`, by the hash of their code in version 0.4.13
PASS_AT_K = {("pass_at_k", "a72474b7dd36adf6"), ("pass_at_1", "44c1fa63e09c32a0")}
# Filters that make programs of completions: how we take them, and what comes before and behind them
_UNTIL_FENCE = {"by": "steps", "strip_reasoning": False, "steps": [{"cut": "```"}]}
_FIRST_FENCE = {
    "by": "steps",
    "strip_reasoning": False,
    "steps": [{"prepend": "```"}, {"regex": r"(?s)```(?:\w+)?\n?(.*?)\n?```", "keep": True}],
}
PROGRAMS: dict[tuple[str, str], tuple[dict[str, Any], dict[str, str]]] = {
    ("build_predictions", "eb55f7a6665d5692"): (VERBATIM, {"prelude": "{{ prompt }}"}),
    ("build_predictions_instruct", "807fd2581658629e"): (_UNTIL_FENCE, {"prelude": "{{ prompt }}"}),
    ("build_predictions", "ccdee31e2d8e590b"): (VERBATIM, {"prelude": "{{ prompt }}", "suffix": "{{ suffix }}"}),
    ("build_predictions", "43b0afd5168093f1"): (_FIRST_FENCE, {}),
}


@dataclass(slots=True)
class Scoring:
    """`score`, `metric` and `repeats` of our page.

    `program`: what is around the completion in a program under test (None: no programs). `calls`: functions of our
    page's Python file by name, each the expression that it returns.
    """

    score: list[dict[str, Any]]
    metric: list[str]
    repeats: int = 1
    program: dict[str, str] | None = None
    calls: dict[str, str] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """One filter: its name, the steps on each completion, and which completions count (`first` or a vote of k)."""

    name: str
    steps: tuple[dict[str, Any], ...]
    vote: int | None
    program: tuple[dict[str, Any], dict[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class _Metric:
    name: str
    function: Function | None
    options: dict[str, Any]


def scoring_of(task: ForeignTask) -> Scoring:
    """Read how a page scores. Raises ConfigError for what is not carried."""
    metrics = _metrics(task)
    if task.kind == "generate_until":
        return _of_texts(task, metrics)
    place = task.page.place("process_results")
    if task.page.values.get("process_results") is not None:
        raise ConfigError(
            f"{place}: process_results of log-likelihoods cannot be carried; only that of generated text can"
        )
    if any(pipeline.steps or pipeline.program for pipeline in _pipelines(task)):
        raise ConfigError(f"{task.page.place('filter_list')}: filters of log-likelihoods cannot be carried")
    if task.kind == "multiple_choice":
        return _of_options(task, metrics)
    names = [metric.name for metric in metrics]
    known = DEFAULT_METRICS[task.kind]
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"{task.page.place('metric_list')}: the metric {unknown[0]} of {task.kind} cannot be carried")
    if task.kind == "loglikelihood":
        return Scoring([{"by": "target_likelihood", "name": "acc"}], ["mean" if n == "acc" else n for n in names])
    return Scoring([{"by": "text_likelihood", "name": "likelihood"}], names)


def _metrics(task: ForeignTask) -> list[_Metric]:
    listed, place = task.page.values.get("metric_list"), task.page.place("metric_list")
    if listed is None:
        return [_Metric(name, None, {}) for name in DEFAULT_METRICS[task.kind]]
    found = []
    for entry in listed:
        options = dict(entry)
        metric, aggregation = options.pop("metric", None), options.pop("aggregation", "mean")
        options.pop("higher_is_better", None)
        name = metric.name if isinstance(metric, Function) else str(metric)
        if options.pop("hf_evaluate", False):
            raise ConfigError(f"{place}: {name}: metrics of the library evaluate cannot be carried")
        own = {"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"}
        if aggregation != "mean" and not (name in own and aggregation in (*own, "weighted_perplexity")):
            shown = aggregation if isinstance(aggregation, Function) else repr(aggregation)
            raise ConfigError(f"{place}: {name}: the aggregation {shown} cannot be carried; only the mean can")
        found.append(_Metric(name, metric if isinstance(metric, Function) else None, options))
    return found


def _of_options(task: ForeignTask, metrics: Sequence[_Metric]) -> Scoring:
    score = []
    for metric in metrics:
        if metric.name not in CHOICE or metric.function is not None:
            raise ConfigError(
                f"{task.page.place('metric_list')}: the metric {metric.name} of options cannot be carried"
            )
        if task.multiple_input and CHOICE[metric.name]:
            raise ConfigError(
                f"{task.page.place('metric_list')}: {metric.name} of inputs to choose from cannot be carried"
            )
        normalise = CHOICE[metric.name]
        score.append({"by": "choice", "name": metric.name, **({"normalise": normalise} if normalise else {})})
    return Scoring(score, ["mean"])


def _of_texts(task: ForeignTask, metrics: Sequence[_Metric]) -> Scoring:
    pipelines = _pipelines(task)
    repeats = int(task.page.values.get("repeats") or 1)
    found = Scoring([], [], repeats)
    for pipeline in pipelines:
        process = task.page.values.get("process_results")
        for metric in metrics:
            label = metric.name if len(pipelines) == 1 else f"{metric.name},{pipeline.name}"
            if isinstance(process, Function):
                entry = _called(task, found, process, metric, pipeline, label)
            else:
                entry = _scored(task, found, metric, pipeline, label)
            if entry["by"] == "unit_tests":
                found.metric += [name for name in _ks(metric, repeats, task) if name not in found.metric]
            elif (name := _folded(task, pipeline, repeats)) not in found.metric:
                found.metric.append(name)
            # Filters that differ only in which completions count are one score with several metrics
            alike = {key: value for key, value in entry.items() if key != "name"}
            if all(alike != {k: v for k, v in other.items() if k != "name"} for other in found.score):
                found.score.append(entry)
    if found.metric == ["maj_first@1"] and repeats > 1:
        found.repeats, found.metric = 1, ["mean"]
        found.notes.append(f"only the first of {repeats} completions counts there, so that one is generated")
    if found.program is not None and any(entry["by"] != "unit_tests" for entry in found.score):
        raise ConfigError(f"{task.page.place('metric_list')}: unit tests beside other metrics cannot be carried")
    return found


def _folded(task: ForeignTask, pipeline: _Pipeline, repeats: int) -> str:
    if repeats == 1:
        return "mean"
    return f"maj_first@{pipeline.vote or 1}"


def _ks(metric: _Metric, repeats: int, task: ForeignTask) -> list[str]:
    ks = metric.options.get("k", 1)
    return [f"pass@{k}" for k in (ks if isinstance(ks, list) else [ks])]


def _scored(task: ForeignTask, found: Scoring, metric: _Metric, pipeline: _Pipeline, label: str) -> dict[str, Any]:
    """The entry of a metric that needs no function of the page, or of a function that is a metric."""
    place = task.page.place("metric_list")
    if metric.function is not None:
        function = metric.function
        if (function.name, digest_of_function(function.file, function.name)) in PASS_AT_K:
            extract, found.program = pipeline.program or (VERBATIM, {})
            if pipeline.steps:
                raise ConfigError(f"{task.page.place('filter_list')}: filters of programs cannot be carried")
            return {"by": "unit_tests", "name": label, "extract": extract}
        raise ConfigError(f"{place}: the metric {function} cannot be carried")
    if metric.name != "exact_match":
        raise ConfigError(f"{place}: the metric {metric.name} of generated text cannot be carried")
    if pipeline.program is not None:
        raise ConfigError(f"{task.page.place('filter_list')}: this custom filter cannot be carried")
    entry: dict[str, Any] = {"by": "exact_match", "name": label, "extract": _extraction(pipeline, None)}
    for key, value in metric.options.items():
        if key in MATCHING:
            entry |= {MATCHING[key]: True} if value else {}
        elif key == "regexes_to_ignore":
            entry |= {"ignore": list(value)} if value else {}
        else:
            raise ConfigError(f"{place}: exact_match: the option {key} cannot be carried")
    return {**entry, "trim": False}


def _called(
    task: ForeignTask, found: Scoring, process: Function, metric: _Metric, pipeline: _Pipeline, label: str
) -> dict[str, Any]:
    """The entry of a metric that `process_results` gives."""
    place = task.page.place("process_results")
    if pipeline.program is not None:
        raise ConfigError(f"{task.page.place('filter_list')}: this custom filter cannot be carried")
    if pipeline.vote is not None:
        raise ConfigError(f"{place}: a majority vote before process_results cannot be carried")
    task.functions.get(process, place)
    if failure := task.functions.failure_of_file(process):
        raise ConfigError(
            f"{place}: {process} has to run when completions are scored, but its file fails here: {failure}"
        )
    if process not in found.functions:
        found.functions.append(process)
    name = "".join(sign if sign.isalnum() else "_" for sign in f"score_{metric.name}")
    found.calls[name] = f'functions.{process.name}(sample["doc"], [completion])[{metric.name!r}]'
    binary = metric.name in ("exact_match", "acc", "math_verify", "exact_match_original")
    entry = {"by": "page_code", "name": label, "function": name, "extract": _extraction(pipeline, FALLBACK)}
    return entry if binary else {**entry, "binary": False}


def _extraction(pipeline: _Pipeline, fallback: str | None) -> dict[str, Any]:
    """The extractor of a chain of filters; `fallback` where there must be a text although a pattern found none."""
    steps = [dict(step) for step in pipeline.steps]
    if not steps:
        return {"by": "steps", "strip_reasoning": False, "steps": []}
    if steps == [{"strip": True}] and fallback is None:
        return {"by": "text", "strip_reasoning": False}
    only = steps[0]
    plain = len(steps) == 1 and set(only) <= {"regex", "pick"} and only.get("pick", 0) in (0, -1)
    if plain and "regex" in only and fallback is None:
        pick = "last" if only.get("pick") else "first"
        return {"by": "regex", "pattern": only["regex"], "pick": pick, "strip_reasoning": False}
    for step in steps:
        if "regex" in step and (fallback is not None or len(steps) > 1):
            step.setdefault("fallback", FALLBACK)
    return {"by": "steps", "strip_reasoning": False, "steps": steps}


def _pipelines(task: ForeignTask) -> list[_Pipeline]:
    listed = task.page.values.get("filter_list")
    if listed is None:
        return [_Pipeline("none", (), None)]
    return [_pipeline(task, entry) for entry in listed]


def _pipeline(task: ForeignTask, entry: Mapping[str, Any]) -> _Pipeline:
    place = task.page.place("filter_list")
    repeats = int(task.page.values.get("repeats") or 1)
    steps: list[dict[str, Any]] = []
    program = None
    limit, voted, taken = repeats, False, False
    for function in entry["filter"]:
        options = dict(function)
        kind = options.pop("function")
        if taken:
            raise ConfigError(f"{place}: the filter {kind} behind take_first cannot be carried")
        if kind == "take_first":
            taken = True
        elif kind == "take_first_k":
            limit = int(options["k"])
        elif kind == "majority_vote":
            voted = True
        elif voted:
            raise ConfigError(f"{place}: the filter {kind} behind majority_vote cannot be carried")
        elif kind == "custom":
            program = _program(options.get("filter_fn"), place)
        else:
            steps.append(_step(kind, options, place))
    if not taken and program is None:
        raise ConfigError(f"{place}: {entry['name']}: a filter without take_first cannot be carried")
    return _Pipeline(str(entry["name"]), tuple(steps), limit if voted else None, program)


def _program(function: Any, place: str) -> tuple[dict[str, Any], dict[str, str]]:
    if isinstance(function, Function):
        known = PROGRAMS.get((function.name, digest_of_function(function.file, function.name)))
        if known is not None:
            return known
    raise ConfigError(f"{place}: the custom filter {function} cannot be carried")


def _step(kind: str, options: dict[str, Any], place: str) -> dict[str, Any]:
    if kind == "regex":
        step: dict[str, Any] = {"regex": options.pop("regex_pattern", DEFAULT_PATTERN)}
        if pick := int(options.pop("group_select", 0)):
            step["pick"] = pick
        if (fallback := options.pop("fallback", FALLBACK)) != FALLBACK:
            step["fallback"] = str(fallback)
    elif kind == "remove_whitespace":
        step = {"strip": True}
    elif kind in ("lowercase", "uppercase"):
        step = {"case": kind.removesuffix("case")}
    elif kind == "map":
        table = {str(key): str(value) for key, value in (options.pop("mapping_dict", None) or {}).items()}
        default = options.pop("default_value", None)
        step = {"map": table} if default is None else {"map": table, "default": str(default)}
    else:
        raise ConfigError(f"{place}: the filter {kind} cannot be carried")
    if options:
        raise ConfigError(f"{place}: the filter {kind}: {next(iter(options))} cannot be carried")
    return step

"""Reads a file of completions that were made elsewhere: JSON lines (`.gz` too), in these forms, which may be mixed:

    {"task": ..., "sample_id": ..., "completion": ... [, "repeat": 0, "finish": "length", "reasoning": ...]}
    {"task": ..., "sample_id": ..., "loglikelihoods": [...] [, "tokens": [...], "greedy": [...]]}
    {"task_id": ..., "completion" or "solution": ...}    of HumanEval and EvalPlus
    {"id" or "name" or ...: ..., COLUMN: ...}            with `completion_column: COLUMN`

A completion may be a list: the sample's repeats. Several lines of one sample are its repeats too: in file order, or as
`repeat` (from 0) says on all of them. Without `task` a line holds for any task. Ids count with or without the name of
their data set before them ("MBPP/17", "Mbpp/17", "17"). A line may record the verdict of whoever made it (`verdict`,
`is_correct`, `passed`, or `verdict_column`). Other keys are passed over, but for misspellings of those above.

Guarantees: a completion is returned as it is (no stop string is applied). A file of several models (`model`) is
refused unless one of them is named.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr, model_validator

from harness.config.checking import check_values
from harness.datatypes import Finish
from harness.errors import ConfigError, suggestion

# What names the sample, the verdict and the model in files of others, the first that a line has
IDS = ("sample_id", "task_id", "id", "question_id", "problem_id", "name", "doc_id")
VERDICTS = ("verdict", "is_correct", "passed")
_TRUE, _FALSE = (
    {"true", "passed", "pass", "correct", "right", "1"},
    {"false", "failed", "fail", "incorrect", "wrong", "0"},
)
_OWN = ("task", "sample_id", "completion", "repeat", "finish", "reasoning", "loglikelihoods", "tokens", "greedy")
_PREFIX = re.compile(r"([A-Za-z][\w+ -]*)/(.+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file of another form has its completions and verdicts, and which of its models counts."""

    completion: str | None = None
    verdict: str | None = None
    model: str | None = None


class Line(BaseModel):
    """One answer. `verdict` is what the file records of it, None where it records nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    task: str | None
    sample_id: str
    completion: StrictStr | None = None
    repeat: StrictInt | None = None
    finish: Finish = "stop"
    reasoning: StrictStr = ""
    loglikelihoods: list[float] | None = None
    tokens: list[int] | None = None
    greedy: list[bool] | None = None
    verdict: bool | None = None

    @model_validator(mode="after")
    def _one_answer(self) -> Line:
        if (self.completion is None) == (self.loglikelihoods is None):
            raise ValueError("give either 'completion' or 'loglikelihoods'")
        for name in ("tokens", "greedy"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.loglikelihoods or ()):
                raise ValueError(f"{name!r} must be as long as 'loglikelihoods'")
        return self


Answers = dict[int, Line]


@dataclass(slots=True)
class Script:
    """The answers of a file: (task or None, sample id) -> repeat -> line; `short` has ids without their prefix."""

    answers: dict[tuple[str | None, str], Answers] = field(default_factory=dict)
    short: dict[tuple[str | None, str], list[str]] = field(default_factory=dict)

    def of(self, task: str, sample_id: str) -> Answers:
        """Return the answers to a sample by repeat; none where the file has none."""
        for name in (task, None):
            if own := self.answers.get((name, sample_id)):
                return own
        prefix, rest = split_id(sample_id)
        for name in (task, None):
            for other in self.short.get((name, rest), ()):
                # A line that names the task needs no more
                if name is not None or _of_one_set(prefix, split_id(other)[0], task):
                    return self.answers[name, other]
        return {}

    def is_exact(self, task: str, sample_id: str) -> bool:
        """Whether a sample's answers have its id to the letter, or its task's name."""
        known = (task, None)
        return any((name, sample_id) in self.answers for name in known) or (task, split_id(sample_id)[1]) in self.short


def split_id(sample_id: str) -> tuple[str, str]:
    """Return the name of the data set before an id, empty where it has none, and the rest."""
    found = _PREFIX.match(sample_id)
    return (found.group(1), found.group(2)) if found else ("", sample_id)


def _of_one_set(wanted: str, held: str, task: str) -> bool:
    """Whether ids with these prefixes, of a sample of `task` and in the file, can mean the same data set.

    Where a sample's id is bare, the task's name must name the data set: Mbpp/17 is 17 of `mbpp`, HumanEval/17 is not.
    """
    if wanted and held:
        return _plain(wanted) == _plain(held)
    return not held or _plain(held) in _plain(task)


def _plain(prefix: str) -> str:
    """A data set's name however it is spelt: "HumanEval", "human_eval"."""
    return re.sub(r"[^a-z0-9]", "", prefix.lower())


def read(path: Path, raw: bytes, columns: Columns) -> Script:
    """Read a file. Raises ConfigError with file and line of the first fault."""
    try:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: is not a whole gzip file ({error})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    script = Script()
    models: dict[str, int] = {}
    # Not splitlines(): JSON strings may hold U+2028 and its like unescaped.
    for number, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        where = f"{path}:{number}: "
        data = _object(content, where)
        model = str(data.get("model", ""))
        models[model] = models.get(model, 0) + 1
        if columns.model is None or model == columns.model:
            for line in _lines(data, where, columns):
                _add(script, line, where)
    if columns.model is None and len(models) > 1:
        raise ConfigError(
            f"{path}: holds completions of {len(models)} models; name one of them: "
            f"--set engine.only_model={next(iter(models))!r}; there are {', '.join(sorted(models)[:10])}"
        )
    if not script.answers:
        hint = suggestion(columns.model, models) if columns.model else ""
        raise ConfigError(f"{path}: holds no completions{f' of the model {columns.model!r}{hint}' if models else ''}")
    return script


def _object(content: str, where: str) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise ConfigError(f"{where}is not JSON ({error})") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{where}must be a JSON object, found {type(data).__name__}")
    return data


def _lines(data: Mapping[str, Any], where: str, columns: Columns) -> Iterator[Line]:
    """The answers of one object: one, or one for each item of a list of completions."""
    values = _own_form(data, where, columns)
    answer = values.get("completion")
    if not isinstance(answer, list):
        yield _line(values, where)
        return
    verdicts = values.get("verdict")
    if "repeat" in values or not answer:
        raise ConfigError(f"{where}a list of completions must have items, and no 'repeat' beside it")
    if isinstance(verdicts, list) and len(verdicts) != len(answer):
        raise ConfigError(f"{where}{len(verdicts)} verdicts for {len(answer)} completions")
    for place, text in enumerate(answer):
        verdict = verdicts[place] if isinstance(verdicts, list) else verdicts
        yield _line({**values, "completion": text, "verdict": verdict}, where)


def _own_form(data: Mapping[str, Any], where: str, columns: Columns) -> dict[str, Any]:
    """The line in the project's own keys."""
    foreign = columns.completion is not None or ("task_id" in data and "sample_id" not in data)
    if not foreign and data.get("task", "") is None:
        raise ConfigError(f"{where}task: must be a name (found None)")
    values = {key: data[key] for key in _OWN if key in data}
    name = next((key for key in IDS if key in data), None) if foreign else "sample_id"
    if foreign:
        if name is None:
            raise ConfigError(f"{where}nothing names the sample; a line needs one of {', '.join(IDS)}")
        values = {key: data[key] for key in ("task", "repeat", "finish", "reasoning") if data.get(key) is not None}
        values = {"task": None, **values, "sample_id": data[name], "completion": _completion(data, where, columns)}
    for key in data:
        if key not in _OWN and not foreign and (hint := suggestion(key, [one for one in _OWN if one not in data])):
            raise ConfigError(f"{where}unknown key {key!r}{hint}")
    verdict = columns.verdict or next((key for key in VERDICTS if key in data), None)
    if verdict is not None:
        if verdict not in data:
            raise ConfigError(f"{where}has no column {verdict!r}; it has {', '.join(data)}")
        values["verdict"] = _verdict(data[verdict], where, verdict)
    return values


def _completion(data: Mapping[str, Any], where: str, columns: Columns) -> Any:
    if columns.completion is not None:
        if data.get(columns.completion) is None:
            hint = suggestion(columns.completion, data) or f"; it has {', '.join(data)}"
            raise ConfigError(f"{where}has no completion in column {columns.completion!r}{hint}")
        return data[columns.completion]
    # EvalPlus judges `solution` where both are there.
    answer = data["solution"] if data.get("solution") is not None else data.get("completion")
    if answer is None:
        raise ConfigError(
            f"{where}a line with 'task_id' needs 'completion' or 'solution' (--completion-column names another)"
        )
    return answer


def _verdict(value: Any, where: str, column: str) -> Any:
    """A recorded verdict as true or false; None where the line leaves it open."""
    if isinstance(value, list):
        return [_verdict(item, where, column) for item in value]
    word = str(value).strip().lower()
    if value is None or word in _TRUE or word in _FALSE:
        return None if value is None else word in _TRUE
    if isinstance(value, float) and value in (0.0, 1.0):
        return value == 1.0
    raise ConfigError(f"{where}{column} must be true or false, 1 or 0, passed or failed (found {value!r})")


def _line(values: Mapping[str, Any], where: str) -> Line:
    return check_values(Line, values, where.removesuffix(": "))


def _add(script: Script, line: Line, where: str) -> None:
    key = (line.task, line.sample_id)
    answers = script.answers.setdefault(key, {})
    if not answers:
        script.short.setdefault((line.task, split_id(line.sample_id)[1]), []).append(line.sample_id)
    if answers and (line.repeat is None) != all(one.repeat is None for one in answers.values()):
        raise ConfigError(f"{where}'repeat' is on some lines of {line.sample_id!r} but not on all")
    index = len(answers) if line.repeat is None else line.repeat
    if index in answers:
        raise ConfigError(f"{where}a second line for repeat {index} of {line.sample_id!r}")
    if index < 0:
        raise ConfigError(f"{where}repeat must be 0 or more (found {index})")
    answers[index] = line

"""Answers from a file: the engine of the tests, and the way to score completions that were made elsewhere.

The file holds JSON lines (`.gz` too), in either of two forms, which may be mixed:

    {"task": ..., "sample_id": ..., "completion": ... [, "repeat": 0, "finish": "length"]}
    {"task": ..., "sample_id": ..., "loglikelihoods": [...] [, "tokens": [...], "greedy": [...]]}
    {"task_id": ..., "completion" or "solution": ...}    of HumanEval and EvalPlus; other keys ignored

`task_id` must equal the sample's id to the letter ("HumanEval/0" is not "0") and holds for any task. Several
lines of one sample are its repeats: in file order, or as `repeat` (from 0) says on all of them.

Guarantees: a completion is handed on as it stands (no stop string is applied), and a request that the file
does not answer is refused as unscored, never answered with an empty text. Does not guarantee that the
completions were made with the prompt that the task asks today: nothing in the file could tell.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr, ValidationError, model_validator

from harness.config.checking import check_values, first_fault
from harness.config.yaml_page import YamlPage
from harness.datatypes import (
    Completion,
    ContinuationScore,
    Failure,
    Finish,
    GenerateRequest,
    Likelihood,
    Prompt,
    Refusal,
    Reply,
    Request,
    RollingRequest,
    Style,
    TextPrompt,
)
from harness.engines.base import EngineFacts, ModelSpec, PromptSize
from harness.errors import ConfigError

EXAMPLES_SHOWN = 3


class ScriptedOptions(BaseModel):
    """Options of the engine: the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    completions: str


class Line(BaseModel):
    """One line in the project's own form."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    task: str | None
    sample_id: str
    completion: StrictStr | None = None
    repeat: StrictInt | None = None
    finish: Finish = "stop"
    loglikelihoods: list[float] | None = None
    tokens: list[int] | None = None
    greedy: list[bool] | None = None

    @model_validator(mode="after")
    def _one_answer(self) -> Line:
        if (self.completion is None) == (self.loglikelihoods is None):
            raise ValueError("give either 'completion' or 'loglikelihoods'")
        for name in ("tokens", "greedy"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.loglikelihoods or ()):
                raise ValueError(f"{name!r} must be as long as 'loglikelihoods'")
        return self


Script = dict[tuple[str | None, str], dict[int, Line]]


def build(spec: ModelSpec, options: Mapping[str, Any]) -> ScriptedEngine:
    """Read the option `completions`' file. Raises ConfigError with file and line of the first fault."""
    chosen = check_values(ScriptedOptions, options, "engine scripted")
    path = Path(chosen.completions).expanduser()
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: completions cannot be read ({error.strerror or error})") from None
    return ScriptedEngine(spec, path, hashlib.sha256(raw).hexdigest(), _read(path, raw))


class ScriptedEngine:
    """Answers requests out of a script."""

    answers_by: Literal["prompt", "task"] = "task"

    def __init__(self, spec: ModelSpec, path: Path, digest: str, script: Script) -> None:
        """`digest` is the sha256 of the file as it lies on disk."""
        self._path = path
        self._script = script
        style: Style = "chat" if spec.style == "chat" else "text"
        name = spec.name or spec.path or path.name
        self._facts = EngineFacts("scripted", name, style, digests={"completions": digest})

    def facts(self) -> EngineFacts:
        """Name, style and the file's digest."""
        return self._facts

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse a file that answers none of the requests, or holds answers that nobody would score."""
        if requests and not any(self._lines(request) for request in requests):
            raise ConfigError(self._no_match(requests))
        asked = Counter((request.task, request.sample_id) for request in requests)
        for request in requests:
            there, wanted = max(self._lines(request), default=-1) + 1, asked[(request.task, request.sample_id)]
            if there > wanted:
                raise ConfigError(
                    f"{self._path} has {there} answers {_label(request)}, but {wanted} would be scored; "
                    f"use --set tasks.{request.task}.repeats={there}"
                )

    def measure(self, request: Request) -> PromptSize:
        """Render the prompt as plain text; tokens are unknown."""
        most = request.sampling.max_tokens if isinstance(request, GenerateRequest) else 0
        return PromptSize(None, 0, most, _rendered(request.prompt))

    def load(self) -> None:
        """Do nothing: the file was read when the engine was built."""

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer in the order asked."""
        for request in requests:
            yield self._answer(request)

    def close(self) -> None:
        """Do nothing: no memory worth giving back."""

    def _lines(self, request: Request) -> dict[int, Line]:
        own = self._script.get((request.task, request.sample_id))
        return own or self._script.get((None, request.sample_id)) or {}

    def _answer(self, request: Request) -> Reply:
        line = self._lines(request).get(request.repeat)
        if line is None:
            return _refusal(request, "missing", f"{self._path} has no answer {_label(request)}")
        prompt_hash = hashlib.sha256(_rendered(request.prompt).encode()).hexdigest()
        if isinstance(request, GenerateRequest):
            if line.completion is None:
                return _refusal(request, "missing", f"{self._path} has no completion {_label(request)}")
            return Completion(request.key, line.completion, line.finish, prompt_hash=prompt_hash)
        if line.loglikelihoods is None:
            return _refusal(request, "missing", f"{self._path} has no loglikelihoods {_label(request)}")
        texts = (request.text,) if isinstance(request, RollingRequest) else request.continuations
        if len(line.loglikelihoods) != len(texts):
            counts = f"{len(line.loglikelihoods)} loglikelihoods for {len(texts)} continuations"
            return _refusal(request, "mismatch", f"{self._path} has {counts} {_label(request)}")
        return Likelihood(request.key, _continuations(texts, line), prompt_hash=prompt_hash)

    def _no_match(self, requests: Sequence[Request]) -> str:
        asked = list(dict.fromkeys(f"{r.task}: {r.sample_id}" for r in requests))[:EXAMPLES_SHOWN]
        held = [f"{task}: {sample}" if task else sample for task, sample in self._script][:EXAMPLES_SHOWN]
        return (
            f"{self._path}: answers none of the {len(requests)} requests; the file has {', '.join(held)}; "
            f"asked were {', '.join(asked)}"
        )


def _continuations(texts: Sequence[str], line: Line) -> tuple[ContinuationScore, ...]:
    values = line.loglikelihoods or []
    tokens = line.tokens or [0] * len(values)
    greedy = line.greedy or [False] * len(values)
    rows = zip(texts, values, tokens, greedy, strict=True)
    return tuple(ContinuationScore(v, n, len(text), len(text.encode()), g) for text, v, n, g in rows)


def _refusal(request: Request, kind: str, message: str) -> Refusal:
    return Refusal(request.key, Failure("engine", kind, message, ours=True))


def _label(request: Request) -> str:
    return f"for {request.task}: {request.sample_id}, repeat {request.repeat}"


def _rendered(prompt: Prompt) -> str:
    if isinstance(prompt, TextPrompt):
        return prompt.text
    turns = [f"{message.role}: {message.content}" for message in prompt.messages]
    return "\n\n".join([*turns, f"assistant: {prompt.prefill}"])


def _read(path: Path, raw: bytes) -> Script:
    try:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: is not a whole gzip file ({error})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    script: Script = {}
    # Not splitlines(): JSON strings may hold U+2028 and its like unescaped.
    for number, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            where = f"{path}:{number}: "
            _add(script, _line(content, where), where)
    if not script:
        raise ConfigError(f"{path}: holds no completions")
    return script


def _line(content: str, where: str) -> Line:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise ConfigError(f"{where}is not JSON ({error})") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{where}must be a JSON object, found {type(data).__name__}")
    if "task_id" in data and "sample_id" not in data:
        # EvalPlus judges `solution` where both stand.
        answer = data["solution"] if data.get("solution") is not None else data.get("completion")
        data = {"task": None, "sample_id": data["task_id"], "completion": answer}
        if answer is None:
            raise ConfigError(f"{where}a line with 'task_id' needs 'completion' or 'solution'")
    elif data.get("task", "") is None:
        raise ConfigError(f"{where}task: must be a name (found None)")
    try:
        return Line.model_validate(data)
    except ValidationError as error:
        raise ConfigError(where + first_fault(Line, error, YamlPage(path=Path(), data={}), located=False)) from None


def _add(script: Script, line: Line, where: str) -> None:
    answers = script.setdefault((line.task, line.sample_id), {})
    if answers and (line.repeat is None) != all(one.repeat is None for one in answers.values()):
        raise ConfigError(f"{where}'repeat' stands on some lines of {line.sample_id!r} but not on all")
    index = len(answers) if line.repeat is None else line.repeat
    if index in answers:
        raise ConfigError(f"{where}a second line for repeat {index} of {line.sample_id!r}")
    if index < 0:
        raise ConfigError(f"{where}repeat must be 0 or more (found {index})")
    answers[index] = line

"""Answers from a file: the engine of the tests, and the way to score completions that were made elsewhere.

The forms of the file are those of `completions_file.py`. Several answers to a sample are its repeats, and samples may
have different numbers of them.

Guarantees: a completion is returned exactly as it is in the file (no stop string is applied), and a request that the
file does not answer is refused as unscored, never answered with an empty text. Does not guarantee that the completions
were made with the task's present prompt: the file does not record it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool

from harness.config.checking import check_values
from harness.datatypes import (
    Completion,
    ContinuationScore,
    Failure,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Prompt,
    Refusal,
    Reply,
    Request,
    RollingRequest,
    Style,
    TextPrompt,
)
from harness.engines.base import Capabilities, EngineFacts, ModelSpec, PromptSize
from harness.engines.completions_file import Answers, Columns, Line, Script, read
from harness.errors import ConfigError

EXAMPLES_SHOWN = 3


class ScriptedOptions(BaseModel):
    """Options of the engine: the file; its columns and its model, where it has another form; whose samples to score.

    With `only_answered` samples that the file does not answer are left out, else they are unscored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    completions: str
    completion_column: str | None = None
    verdict_column: str | None = None
    only_model: str | None = None
    only_answered: StrictBool = False


def option_names() -> frozenset[str]:
    """Keys of `engine` in a config."""
    return frozenset(ScriptedOptions.model_fields)


def recorded_verdicts(spec: ModelSpec, options: Mapping[str, Any]) -> Callable[[Request], bool | None]:
    """Return the verdict that the file records of the answer to a request (None: none). Raises as `build` does."""
    return build(spec, options).verdict


def build(spec: ModelSpec, options: Mapping[str, Any]) -> ScriptedEngine:
    """Read the option `completions`' file. Raises ConfigError with file and line of the first fault."""
    chosen = check_values(ScriptedOptions, options, "engine scripted")
    idle = {
        "device": spec.device != "auto",
        "dtype": spec.dtype != "auto",
        "trust_remote_code": spec.trust_remote_code,
        "adapter": spec.adapter is not None,
        "quantize": spec.quantize is not None,
    }
    for name, given in idle.items():
        if given:
            raise ConfigError(f"model.{name} has no effect: the engine scripted loads no model; leave it out")
    path = Path(chosen.completions).expanduser()
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: completions cannot be read ({error.strerror or error})") from None
    columns = Columns(chosen.completion_column, chosen.verdict_column, chosen.only_model)
    script = read(path, raw, columns)
    return ScriptedEngine(spec, path, hashlib.sha256(raw).hexdigest(), script, only_answered=chosen.only_answered)


class ScriptedEngine:
    """Answers requests out of a script."""

    def __init__(
        self, spec: ModelSpec, path: Path, digest: str, script: Script, *, only_answered: bool = False
    ) -> None:
        """`digest` is the sha256 of the file as it lies on disk."""
        self.only_answered = only_answered
        self._path = path
        self._script = script
        style: Style = "chat" if spec.style == "chat" else "text"
        name = spec.name or spec.path or path.name
        self._facts = EngineFacts("scripted", name, style, digests={"completions": digest})

    def capabilities(self) -> Capabilities:
        """Answers are looked up by task and sample, and are there for every kind of request."""
        return Capabilities(
            answers_by="task",
            independent=True,
            loglikelihoods=True,
            prefill=True,
            seeds=True,
            contexts=True,
            reasoning_budgets=True,
            either_style=True,
        )

    def facts(self) -> EngineFacts:
        """Name, style and the file's digest."""
        return self._facts

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse a file that answers none of the requests, or has answers that would not be scored."""
        if requests and not any(self._lines(request) for request in requests):
            raise ConfigError(self._no_match(requests))
        self._refuse_ambiguous(requests)
        requested = Counter((request.task, request.sample_id) for request in requests)
        for request in requests:
            there, wanted = max(self._lines(request), default=-1) + 1, requested[(request.task, request.sample_id)]
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
        """Answer in the order of the requests."""
        for request in requests:
            yield self._answer(request)

    def close(self) -> None:
        """Do nothing: the file's text is all that it holds."""

    def held(self, task: str, sample_id: str) -> int:
        """Return the number of repeats that the file answers for a sample: its highest repeat, from 1."""
        return max(self._script.of(task, sample_id), default=-1) + 1

    def verdict(self, request: Request) -> bool | None:
        """Return the verdict that the file records of an answer, None where it records none."""
        line = self._lines(request).get(request.repeat)
        return line.verdict if line is not None else None

    def _lines(self, request: Request) -> Answers:
        return self._script.of(request.task, request.sample_id)

    def _refuse_ambiguous(self, requests: Sequence[Request]) -> None:
        """Refuse an id without its data set's name that would answer samples of several tasks."""
        owners: dict[int, Request] = {}
        for request in requests:
            answers = self._lines(request)
            if not answers or self._script.is_exact(request.task, request.sample_id):
                continue
            first = owners.setdefault(id(answers), request)
            if first.task != request.task:
                raise ConfigError(
                    f"{self._path}: one line would answer {first.task}: {first.sample_id} and {request.task}: "
                    f"{request.sample_id}; write the whole id, or `task`"
                )

    def _answer(self, request: Request) -> Reply:
        line = self._lines(request).get(request.repeat)
        if line is None:
            return _refusal(request, "missing", f"{self._path} has no answer {_label(request)}")
        prompt_hash = hashlib.sha256(_rendered(request.prompt).encode()).hexdigest()
        if isinstance(request, GenerateRequest):
            if line.completion is None:
                return _refusal(request, "missing", f"{self._path} has no completion {_label(request)}")
            return Completion(
                request.key, line.completion, line.finish, prompt_hash=prompt_hash, reasoning=line.reasoning
            )
        if line.loglikelihoods is None:
            return _refusal(request, "missing", f"{self._path} has no loglikelihoods {_label(request)}")
        texts = (request.text,) if isinstance(request, RollingRequest) else request.continuations
        if len(line.loglikelihoods) != len(texts):
            counts = f"{len(line.loglikelihoods)} loglikelihoods for {len(texts)} continuations"
            return _refusal(request, "mismatch", f"{self._path} has {counts} {_label(request)}")
        if isinstance(request, LikelihoodRequest) and len(texts) == 1 and line.greedy is None:
            # A single target is scored by it
            return _refusal(request, "missing", f"{self._path} has loglikelihoods without 'greedy' {_label(request)}")
        return Likelihood(request.key, _continuations(texts, line), prompt_hash=prompt_hash)

    def _no_match(self, requests: Sequence[Request]) -> str:
        needed = list(dict.fromkeys(f"{r.task}: {r.sample_id}" for r in requests))[:EXAMPLES_SHOWN]
        held = [f"{task}: {sample}" if task else sample for task, sample in self._script.answers][:EXAMPLES_SHOWN]
        return (
            f"{self._path}: answers none of the {len(requests)} requests; the file has {', '.join(held)}; "
            f"the run needs {', '.join(needed)}"
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

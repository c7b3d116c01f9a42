"""Answers each request by running a program: the prompt goes to its standard input, its standard output is the answer.

The program also gets HARNESS_TASK and HARNESS_SAMPLE in its environment, so its answers may depend on them. Options:
`argv` (the program and its arguments), `seconds` (the longest that one answer may take) and `workers` (how many run at
the same time). Generates text only; `max_tokens` is not enforced, because a program has no tokens. A program that fails
or takes too long leaves its sample unscored: that is no fault of a model.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.config.checking import check_values
from harness.datatypes import Completion, Failure, Finish, GenerateRequest, Refusal, Reply, Request, Style, TextPrompt
from harness.engines.base import Capabilities, EngineFacts, ModelSpec, PromptSize


class CommandOptions(BaseModel):
    """The keys of `engine` in a run's config that belong to this engine."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    argv: list[str] = Field(min_length=1)
    seconds: float = Field(60.0, gt=0)
    workers: int = Field(1, ge=1)


def option_names() -> frozenset[str]:
    """Keys of `engine` in a config."""
    return frozenset(CommandOptions.model_fields)


def build(spec: ModelSpec, options: Mapping[str, Any]) -> CommandEngine:
    """Check the options; nothing runs yet. Raises ConfigError with one line."""
    return CommandEngine(spec, check_values(CommandOptions, options, "engine command"))


class CommandEngine:
    """One program."""

    def __init__(self, spec: ModelSpec, options: CommandOptions) -> None:
        """`spec` gives the model's name in tables."""
        self._options = options
        style: Style = "chat" if spec.style == "chat" else "text"
        command = "\0".join(options.argv).encode()
        self._facts = EngineFacts(
            engine="command",
            model=spec.name or options.argv[0],
            style=style,
            digests={"command": hashlib.sha256(command).hexdigest()},
            generation={"seconds": options.seconds, "workers": options.workers},
        )

    def capabilities(self) -> Capabilities:
        """What the harness must know: answers may depend on the task, and `workers` changes only the pace."""
        return Capabilities(
            answers_by="task",
            independent=True,
            throughput_options=frozenset({"workers"}),
            concurrency=self._options.workers,
        )

    def facts(self) -> EngineFacts:
        """Name, style, settings, and a digest of the command."""
        return self._facts

    def check(self, requests: Sequence[Request]) -> None:
        """Nothing to refuse beyond what the capabilities say."""

    def measure(self, request: Request) -> PromptSize:
        """The prompt as it will be sent; tokens are unknown."""
        most = request.sampling.max_tokens if isinstance(request, GenerateRequest) else 0
        return PromptSize(None, 0, most, _text(request))

    def load(self) -> None:
        """Nothing to load."""

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Run the program once for each request; replies leave as they finish."""
        with ThreadPoolExecutor(self._options.workers) as pool:
            for future in as_completed([pool.submit(self._answer, request) for request in requests]):
                yield future.result()

    def close(self) -> None:
        """Nothing to release."""

    def _answer(self, request: Request) -> Reply:
        prompt = _text(request)
        environment = {**os.environ, "HARNESS_TASK": request.task, "HARNESS_SAMPLE": request.sample_id}
        try:
            done = subprocess.run(
                self._options.argv,
                input=prompt,
                env=environment,
                capture_output=True,
                text=True,
                timeout=self._options.seconds,
                check=True,
            )
        except (OSError, subprocess.SubprocessError, UnicodeError) as error:
            return Refusal(request.key, Failure("engine", "command", str(error), ours=True))
        answer = _before_stop(done.stdout, request)
        finish: Finish = "eos" if answer == done.stdout else "stop"
        return Completion(request.key, answer, finish, prompt_hash=hashlib.sha256(prompt.encode()).hexdigest())


def _text(request: Request) -> str:
    if isinstance(request.prompt, TextPrompt):
        return request.prompt.text
    return "\n\n".join(message.content for message in request.prompt.messages)


def _before_stop(text: str, request: Request) -> str:
    """The answer up to the first stop string."""
    stops = request.sampling.stop if isinstance(request, GenerateRequest) else ()
    ends = [place for place in (text.find(stop) for stop in stops if stop) if place >= 0]
    return text[: min(ends, default=len(text))]

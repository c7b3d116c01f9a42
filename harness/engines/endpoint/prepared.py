"""A request on its way: the calls that it takes, and what has come back of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.datatypes import GenerateRequest, Refusal, Reply, Request, Style
from harness.engines.base import PromptSize
from harness.engines.endpoint.sending import Answered, Failed, Sendable, Sent
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import PromptWay
from harness.engines.hf.fitting import FittedJob


@dataclass(slots=True)
class Prepared:
    """A request with its calls, and their outcomes by key. `fitted`: its token ids, where they are our own.

    `repeated`: its answer was empty, and was requested once more; `earlier_attempts` is what it took until then.
    """

    request: Request
    calls: tuple[Sendable, ...]
    fitted: FittedJob | None = None
    outcomes: dict[str, Sent] = field(default_factory=dict)
    repeated: bool = False
    earlier_attempts: int = 0

    @property
    def complete(self) -> bool:
        """Whether every call has its outcome."""
        return len(self.outcomes) == len(self.calls)

    @property
    def generates(self) -> bool:
        """Whether the request is for a completion."""
        return isinstance(self.request, GenerateRequest)

    @property
    def failed(self) -> Failed | None:
        """The first call that was given up."""
        return next((one for one in self.outcomes.values() if isinstance(one, Failed)), None)

    @property
    def answers(self) -> tuple[Answered, ...]:
        """The answers in the order of the calls; only where all of them have one.

        The first one's attempts are with those for an answer that was empty.
        """
        found = [self.outcomes[sendable.call.key] for sendable in self.calls]
        first, *rest = [one for one in found if isinstance(one, Answered)]
        return replace(first, attempts=first.attempts + self.earlier_attempts), *rest

    def repeat(self) -> None:
        """Forget the empty answer, whose requests still count: its calls are sent once more."""
        self.repeated = True
        self.earlier_attempts += sum(one.attempts for one in self.outcomes.values())
        self.outcomes.clear()


class Prompts(Protocol):
    """How requests become calls, and answers replies: `exact` or left to the server."""

    way: PromptWay
    style: Style

    def check(self, requests: Sequence[Request]) -> tuple[str, ...]:
        """Refuse prompts that cannot be made, and return notes. Raises ConfigError or ModelError."""

    def probe_ids(self) -> tuple[int, ...]:
        """A prompt for the probe, after which a model is unsure; empty where the server has the tokenizer."""

    def size(self, request: Request) -> PromptSize:
        """Render and count a prompt, without the server. Raises EngineError if the template refuses it."""

    def prepare(self, request: Request, facts: ServerFacts) -> Prepared | Refusal:
        """Make the calls of a request, or the refusal with its reason."""

    def reply(self, prepared: Prepared, facts: ServerFacts, seconds: float) -> Reply:
        """Put the answers of a complete request, of which none failed, into its words."""

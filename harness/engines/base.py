"""The engine contract: everything that the rest of the harness needs to know about an engine, whoever wrote it.

An engine is a module with `build(spec, options) -> Engine`. It is built cheaply (tokenizer and config, no weights), so
that prompts can be measured and a bad set-up refused before anything heavy happens. It owns its tokenizer and with it
the chat template. How it differs from other engines is in its `Capabilities`; no other package looks at its name.

Expected of each engine: every request gets exactly one reply with its key; replies leave as they finish, in any order.

The module may also have (each is optional):

- `option_names() -> frozenset[str]`: the keys of `engine` in a config that it takes;
- `check_options(spec, options)`: refuses what it can without a hub or anything heavy; called before all else;
- `build_live(opened, options) -> Engine`: an engine for a model that is in memory (`harness.evaluate(model=object)`);
- `recorded_verdicts(spec, options) -> Callable[[Request], bool | None]`: verdicts that were stored with its answers;
- `inspect_model(spec, *, weights) -> Inspected` and `inspect_tiny(model, tokenizer) -> Inspected`: how it would run a
  model, for `harness models inspect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from harness.datatypes import Attempt, ChatPrompt, GenerateRequest, Reply, Request, Style
from harness.errors import ConfigError

AnswersBy = Literal["prompt", "task"]
# Options that change only the speed and that early versions wrote into a run's identity all the same
ONCE_IN_IDENTITY = frozenset({"batch_size", "threads", "level", "max_memory", "step_tokens"})


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model, as the user named it; an engine resolves the rest (`auto` dtype, device, style).

    `adapter`: a PEFT adapter for it, a folder or `REPO[@REVISION]`; `quantize`: int8 or int4, weights rounded at load.
    """

    path: str
    name: str = ""
    revision: str | None = None
    style: Style | str = "auto"
    dtype: str = "auto"
    device: str = "auto"
    trust_remote_code: bool = False
    adapter: str | None = None
    quantize: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How an engine answers and what it can do. The defaults claim nothing: they are safe for any engine.

    `answers_by`: "prompt" if a reply depends on the request's prompt and settings alone, so that equal requests of
    several tasks may share one reply; "task" if it depends on the task or the sample too.
    `independent`: a reply does not depend on which other requests are in the stream.
    `throughput_options`: keys of `EngineFacts.generation` that change the speed and no reply; a run may be resumed and
    compared with other values of them.
    `concurrency`: most requests that run at once.
    `loglikelihoods`: answers LikelihoodRequest and RollingRequest; `prefill`: an answer continues `ChatPrompt.prefill`;
    `token_ids`: it knows the tokens, so `PromptSize.prompt_tokens` is counted and `prompt_hash` is over ids; `seeds`:
    the same seed gives the same sampled answer again; `contexts`: it reads `LikelihoodRequest.contexts` itself, else
    it gets such a request as one for each context; `reasoning_budgets`: it applies `Sampling.max_reasoning_tokens`;
    `either_style`: prompts may be text or chat, because no model reads them.
    Raises ConfigError for a value that is none of these.
    """

    answers_by: AnswersBy = "task"
    independent: bool = False
    throughput_options: frozenset[str] = frozenset()
    concurrency: int = 1
    loglikelihoods: bool = False
    prefill: bool = False
    token_ids: bool = False
    seeds: bool = False
    contexts: bool = False
    reasoning_budgets: bool = False
    either_style: bool = False

    def __post_init__(self) -> None:
        """Refuse what a misspelling would turn into a wrong score."""
        if self.answers_by not in get_args(AnswersBy):
            raise ConfigError(f"Capabilities: answers_by must be 'prompt' or 'task' (found {self.answers_by!r})")
        if isinstance(self.throughput_options, str):
            raise ConfigError(
                f"Capabilities: throughput_options must be a set of names (found {self.throughput_options!r})"
            )
        if not isinstance(self.concurrency, int) or self.concurrency < 1:
            raise ConfigError(f"Capabilities: concurrency must be 1 or more (found {self.concurrency!r})")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the manifest records of an engine. Complete after `load`; before it, what is known without weights.

    `digests` identify weights, tokenizer and template; `generation` are the settings in force for every
    request; `end_tokens` the texts of the tokens that end an answer; `context_window` in tokens; `weights_bytes` and
    `kv_bytes_per_token` (of one sequence's cache) in the precision that is used; `dtype`: that precision, with how
    the weights are quantised ("int8 (torchao) in float32"); `server`: what a start probe found out
    about the server; `deterministic`: whether a greedy answer is the same when it is requested again (None: unknown).
    """

    engine: str
    model: str
    style: Style
    revision: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    context_window: int | None = None
    device: str | None = None
    dtype: str | None = None
    parameters: int | None = None
    weights_bytes: int | None = None
    kv_bytes_per_token: int | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)
    end_tokens: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict)
    deterministic: bool | None = None


@dataclass(frozen=True, slots=True)
class PromptSize:
    """What a request costs before it runs: prompt tokens (None: unknown), tokens cut to fit, most new tokens.

    `estimated`: `prompt_tokens` were not counted but estimated from the length of the text. `most_prompt_tokens`: what
    the ledger is asked for then, where it is more.
    """

    prompt_tokens: int | None
    dropped_tokens: int
    max_new_tokens: int
    rendered: str
    estimated: bool = False
    most_prompt_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """How an engine would run a model: its execution mode, why no faster one, and its facts (None for a tiny model)."""

    mode: str
    notes: tuple[str, ...] = ()
    facts: EngineFacts | None = None


class Engine(Protocol):
    """One source of replies. An engine without `capabilities` gets the defaults."""

    def capabilities(self) -> Capabilities:
        """Return how the engine answers and what it can do, with the options that it was built with."""

    def facts(self) -> EngineFacts:
        """Return what is known of the model and of how it will be run."""

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse requests that the engine cannot answer, before anything heavy. Raises ConfigError.

        `requests` are all of the run's, those answered by an earlier try too.
        """

    def measure(self, request: Request) -> PromptSize:
        """Render and count a request's prompt, without weights. Raises EngineError if that fails."""

    def load(self) -> None:
        """Load what `stream` needs. Raises EngineError or HubError with one clear line."""

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer each request once, as soon as its answer is available."""

    def close(self) -> None:
        """Free memory and processes; safe to call twice."""


@runtime_checkable
class HoldsAnswers(Protocol):
    """An engine whose answers were made before; with `only_answered` a run has only the samples that it answers."""

    only_answered: bool

    def held(self, task: str, sample_id: str) -> int:
        """Return how many answers to a sample there are."""


@runtime_checkable
class OnCluster(Protocol):
    """An engine that answers on the nodes of a Ray cluster."""

    def cluster(self) -> str:
        """Return the cluster's address; `local` for a Ray of this machine."""


class Ledger(Protocol):
    """Where an engine that is paid by the token records its attempts and asks before it spends; thread-safe."""

    def reserve(self, key: str, prompt_tokens: int, output_tokens: int) -> bool:
        """Set aside the worst case of one attempt; False if the budget has no room for it now."""

    def record(self, attempt: Attempt) -> None:
        """Write an attempt down, and release what was set aside for its key. Raises StorageError."""

    def exhausted(self) -> str:
        """Why `reserve` refuses, for the error that ends the run ("stopped at $1.93 of $2.00").

        "" where another run that shares the budget has requests under way: there may be room when these have ended.
        """


@runtime_checkable
class Accountable(Protocol):
    """An engine that sends requests to a server, which may cost money and make it wait."""

    def ready(self) -> None:
        """Refuse, before anything is downloaded, what keeps it from sending (a missing key). Raises ConfigError."""

    def account_to(self, ledger: Ledger, waiting: Callable[[str], None]) -> None:
        """Record every attempt in `ledger` from now on; call `waiting` with what is waited for ("" when it is over)."""

    def in_flight(self) -> int:
        """How many requests were sent and have no answer yet."""

    def finish_in_flight(self, seconds: float) -> Iterator[Reply]:
        """After an interrupt: send nothing more, and yield the replies that arrive within so many seconds.

        The reply that the stream yielded last is yielded again: the interrupt may have come before it was taken.
        """


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """What one copy of a model does on `place` (node and device).

    `done`: requests in the `seconds` since it joined; `state`: "working", "idle", or how it ended; `rows`: sequences in
    its batch; `silent`: seconds since its last outcome; `tokens`: prompt and new tokens that it has computed, None
    where that is not known.
    """

    name: str
    place: str
    state: str
    done: int
    rows: int
    seconds: float
    silent: float
    tokens: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it takes requests."""
        return self.state in ("working", "idle")


@runtime_checkable
class Watched(Protocol):
    """An engine that shows what it does while it answers."""

    def watch(self, say: Callable[[str], None]) -> None:
        """Call `say` with a line for what a user should know at once, such as the loss of a copy; from any thread."""

    def replicas(self) -> Sequence[ReplicaState]:
        """What each copy of the model does now, and which have ended; empty before `load`."""


def capabilities_of(engine: Engine, name: str) -> Capabilities:
    """Return an engine's capabilities, the safe defaults if it declares none. Raises ConfigError."""
    declare = getattr(engine, "capabilities", None)
    if declare is None:
        return Capabilities()
    declared = declare() if callable(declare) else declare
    if not isinstance(declared, Capabilities):
        raise ConfigError(f"engine {name}: capabilities() must return harness.engines.base.Capabilities")
    return declared


def refuse_unsupported(name: str, able: Capabilities, requests: Sequence[Request]) -> None:
    """Raise ConfigError for the first request that an engine cannot answer, or could only answer with a wrong score."""
    for request in requests:
        missing = _missing(able, request)
        if missing is not None:
            what, declared = missing
            raise ConfigError(
                f"the task {request.task!r} needs {what}, which the engine {name!r} does not support "
                f"(its Capabilities have {declared}=False); leave the task out or use another engine"
            )
        if able.answers_by == "prompt":
            _refuse_greedy_repeat(request)


def reproducibility_notes(able: Capabilities, requests: Sequence[Request]) -> tuple[str, ...]:
    """Why the same command might give other answers, for the manifest; empty where it gives the same."""
    notes = []
    if not able.independent:
        notes.append("the engine does not guarantee that an answer is independent of the other requests")
    sampled = any(isinstance(request, GenerateRequest) and request.sampling.temperature > 0 for request in requests)
    if sampled and not able.seeds:
        notes.append("the engine does not guarantee the same sampled answer for the same seed")
    return tuple(notes)


def _missing(able: Capabilities, request: Request) -> tuple[str, str] | None:
    """What a request needs and the engine lacks, in words and as the field of Capabilities."""
    if not isinstance(request, GenerateRequest):
        return None if able.loglikelihoods else ("log-likelihoods", "loglikelihoods")
    if isinstance(request.prompt, ChatPrompt) and request.prompt.prefill and not able.prefill:
        return "answers that start with a prefill", "prefill"
    if request.sampling.max_reasoning_tokens is not None and not able.reasoning_budgets:
        return "a budget for reasoning (sampling.max_reasoning_tokens)", "reasoning_budgets"
    return None


def _refuse_greedy_repeat(request: Request) -> None:
    """Refuse to request again what has one answer."""
    if isinstance(request, GenerateRequest) and request.repeat > 0 and request.sampling.temperature == 0:
        raise ConfigError(
            f"the task {request.task!r} repeats a greedy question, and all answers would be the same: "
            f"set tasks.{request.task}.sampling.temperature above 0, or repeats to 1"
        )

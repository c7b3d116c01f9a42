"""The common part of our own engines: a checkpoint whose prompts become token jobs, and token results replies.

A `CheckpointEngine` opens config and tokenizer, knows the model's facts, renders, fits and checks prompts, loads the
weights and words the replies; how token jobs are run is its engine's own affair (`start` and `answer`). Guarantees:
likelihoods are the field's (context and continuation tokenised as one text); what does not fit into the context
window is cut or refused as the user set it, and reported in the reply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.datatypes import GenerateRequest, Refusal, Reply, Request, Style
from harness.engines.base import Capabilities, EngineFacts, ModelSpec, PromptSize
from harness.engines.hf.adapters import weights_name
from harness.engines.hf.checkpoint import (
    Checkpoint,
    kv_bytes_per_token,
    open_checkpoint,
    tokenizer_folder,
    vocabulary_of,
    weights_bytes,
)
from harness.engines.hf.checkpoint_defaults import not_applied
from harness.engines.hf.device import ITEM_BYTES, choose_device, choose_dtype
from harness.engines.hf.digests import settings_digest, text_digest, tokenizer_digest, weights_digest
from harness.engines.hf.end_tokens import end_token_ids
from harness.engines.hf.fitting import Fitting
from harness.engines.hf.gguf_files import parameters_of
from harness.engines.hf.lean_imports import import_transformers
from harness.engines.hf.precision import computed_in
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.reasoning_budget import answer_within_budgets
from harness.engines.hf.repository_kinds import ADAPTER
from harness.engines.hf.token_jobs import Job, Outcome
from harness.errors import EngineError, ModelError

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel
    from harness.engines.hf.live_model import LiveModel
    from harness.engines.hf.placement import Placement

# Below this many parameters a second thread only waits for the first, and on a busy machine it waits very long
ONE_THREAD_BELOW = 20_000_000


class CheckpointOptions(BaseModel):
    """Options of every engine of our own. `template_options` go to the chat template by name.

    `threads` on a CPU: torch's own choice, but one for a tiny model, unless given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    overflow: Literal["truncate_left", "refuse"] = "truncate_left"
    context_window: int | None = Field(None, ge=2)
    threads: int | None = Field(None, ge=1)
    template_options: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint's small files, and the device and precision that it will run in; `live`: the weights in memory.

    `any_device`: none was named, so that a model which is too large for the chosen one may lie on others too.
    """

    spec: ModelSpec
    checkpoint: Checkpoint
    dtype: str
    live: LiveModel | None = None
    any_device: bool = False


def opened(spec: ModelSpec) -> Opened:
    """Open config and tokenizer; no weights. Raises ConfigError, HubError or EngineError with one line."""
    import_transformers()
    device = choose_device(spec.device)
    checkpoint = open_checkpoint(
        spec.path, spec.revision, spec.trust_remote_code, device=device, adapter=spec.adapter, quantize=spec.quantize
    )
    chosen = replace(spec, device=device)
    return Opened(chosen, checkpoint, choose_dtype(spec.dtype, device), any_device=spec.device == "auto")


class CheckpointEngine(ABC):
    """One local model behind the engine interface."""

    name: str
    # Names of the options that change only the speed
    paced_by: frozenset[str] = frozenset({"threads", "batch_size"})

    def __init__(self, opened: Opened, options: CheckpointOptions) -> None:
        """Resolve style, end tokens and digests; hash the weights if they are here already."""
        checkpoint = opened.checkpoint
        self.options = options
        self.checkpoint = checkpoint
        self._live = opened.live
        self._any_device = opened.any_device
        self._placement: Placement | None = None
        self.encoder = PromptEncoder(checkpoint.tokenizer, options.template_options)
        try:
            self.end_ids = end_token_ids(self.encoder, checkpoint.config, checkpoint.generation)
            style = self.encoder.style(opened.spec.style)
        except ModelError as error:
            raise ModelError(f"{checkpoint.files.name}: {error}") from None
        self.window = options.context_window or checkpoint.context_window
        self._fitting = Fitting(
            self.encoder, self.window, options.overflow == "refuse", vocabulary_of(checkpoint.config)
        )
        self._threads_before: int | None = None
        self._loaded = False
        self._streaming = False
        self._dtype = opened.dtype
        self._facts = self._first_facts(opened.spec, opened.dtype, style)

    @abstractmethod
    def concurrency(self) -> int:
        """Most sequences that run at once."""

    @abstractmethod
    def throughput_options(self) -> dict[str, Any]:
        """Settings that change only the speed of answers, with their values (`batch_size`)."""

    @abstractmethod
    def start(self, model: HFModel) -> tuple[str, ...]:
        """Make ready to answer with `model`, in the precision it is in; return notes for the manifest."""

    def measured_kv_bytes(self) -> int | None:
        """Measured bytes per token of the KV cache, once loaded; None where it was not measured."""
        return None

    @abstractmethod
    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in any order."""

    @abstractmethod
    def drop(self) -> None:
        """Let go of the weights and of what was made from them; safe to call twice."""

    def capabilities(self) -> Capabilities:
        """Everything: the tokens are computed here, each request for itself."""
        return Capabilities(
            answers_by="prompt",
            independent=True,
            throughput_options=self.paced_by,
            concurrency=self.concurrency(),
            loglikelihoods=True,
            prefill=True,
            token_ids=True,
            seeds=True,
            contexts=True,
            reasoning_budgets=True,
        )

    def facts(self) -> EngineFacts:
        """All is known before `load`, but for the weights' digest and count if they are not here yet."""
        return self._facts

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse examples that the chat template does not show. Raises ModelError."""
        self.encoder.chat.require_turns(requests)
        unread = self.encoder.chat.unread_options(requests)
        self._facts = replace(self._facts, notes=tuple(dict.fromkeys([*self._facts.notes, *unread])))

    def measure(self, request: Request) -> PromptSize:
        """Render and count without weights. A likelihood counts its context once and each continuation."""
        return self._fitting.size(request)

    def load(self) -> None:
        """Load the weights and make ready. Raises ModelError, HubError or EngineError."""
        if self._loaded:
            return
        import torch

        from harness.engines.hf.live_model import take_over
        from harness.engines.hf.loading import load_model
        from harness.engines.hf.placement import placement_of

        facts = self._facts
        assert facts.device is not None
        threads = self.options.threads or (1 if (facts.parameters or ONE_THREAD_BELOW) < ONE_THREAD_BELOW else None)
        if facts.device == "cpu" and threads:
            self._threads_before = torch.get_num_threads()
            torch.set_num_threads(threads)
        if self._live is not None:
            model = take_over(self._live, self.encoder, self.end_ids)
            found: tuple[str, ...] = ()
        else:
            if self._any_device:
                self._placement = placement_of(self.checkpoint.files.name, facts.weights_bytes, facts.device)
            model, found = load_model(
                self.checkpoint, self.encoder, self.end_ids, facts.device, self._dtype, self._placement
            )
        if not any(name.startswith("weights") for name in facts.digests):
            facts = self._facts = replace(facts, digests={**facts.digests, **self._weights_digest()})
        parameters = model.parameters if self.checkpoint.packed is None else facts.parameters
        size = model.weights_bytes
        notes = self.start(model)
        self._loaded = True
        self._facts = replace(
            facts,
            parameters=parameters,
            weights_bytes=size,
            kv_bytes_per_token=self.measured_kv_bytes() or facts.kv_bytes_per_token,
            generation={**facts.generation, **self.throughput_options(), "threads": torch.get_num_threads()},
            notes=(*facts.notes, *found, *notes),
        )

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer each request once; what cannot run is refused first. Raises EngineError for a second stream."""
        if self._streaming:
            raise EngineError("the engine is answering another stream; finish or close that one first")
        self._streaming = True
        try:
            yield from self._stream(requests)
        finally:
            self._streaming = False

    def _stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        self.load()
        pending: dict[str, tuple[Request, Any]] = {}
        jobs: list[Job] = []
        for request in requests:
            fitted = self._fitting.fit(request)
            if isinstance(fitted, Refusal):
                yield fitted
            else:
                pending[request.key] = (request, fitted)
                jobs.append(fitted.job)
        openings = {
            key: self._fitting.opening(request, fitted.job)
            for key, (request, fitted) in pending.items()
            if isinstance(request, GenerateRequest) and request.sampling.max_reasoning_tokens is not None
        }
        for outcome in answer_within_budgets(self.answer, self.encoder, jobs, openings):
            request, fitted = pending.pop(outcome.key)
            yield self._fitting.reply(request, fitted, outcome)

    def close(self) -> None:
        """Drop the weights, and give torch its threads back."""
        if self._threads_before is not None:
            import torch

            torch.set_num_threads(self._threads_before)
            self._threads_before = None
        self.drop()
        if self._placement is not None:
            self._placement.remove()
            self._placement = None
        self._loaded = False

    def _weights_digest(self) -> dict[str, str]:
        if self._live is not None:
            from harness.engines.hf.live_model import tensors_digest

            return {"weights": tensors_digest(self._live.model)}
        files = self.checkpoint.files
        return weights_digest(files.folder, files.weight_names()) if files.weights_here() else {}

    def _digests_of_files(self) -> dict[str, str]:
        """Digests of everything but the base model's weights; a GGUF file holds config and tokenizer too."""
        files, code = self.checkpoint.files, self.checkpoint.trust_remote_code
        found = {} if files.gguf else {"config": settings_digest(files.folder, code=code)}
        if (folder := tokenizer_folder(files)) is not None:
            found["tokenizer"] = tokenizer_digest(folder)
        if files.gguf is not None:
            # A commit may hold several files, so it does not name the weights
            (found["gguf"],) = self._weights_digest().values()
        if files.adapter is not None:
            names = [ADAPTER, weights_name(files.adapter)]
            (found["adapter"],) = weights_digest(files.adapter.folder, names).values()
        return found

    def _first_facts(self, spec: ModelSpec, dtype: str, style: Style) -> EngineFacts:
        files, encoder = self.checkpoint.files, self.encoder
        digests = {**self._digests_of_files(), **self._weights_digest()}
        if encoder.template:
            digests["chat_template"] = text_digest(encoder.template)
        return EngineFacts(
            engine=self.name,
            model=spec.name or spec.path,
            style=style,
            revision=files.revision,
            digests=digests,
            context_window=self.window,
            device=spec.device,
            dtype=computed_in(self.checkpoint.packed, dtype),
            parameters=self._parameters(),
            weights_bytes=weights_bytes(self.checkpoint, ITEM_BYTES[dtype]),
            kv_bytes_per_token=kv_bytes_per_token(self.checkpoint.config, ITEM_BYTES[dtype]),
            generation=self._generation(),
            end_tokens=tuple(encoder.tokenizer.convert_ids_to_tokens(list(self.end_ids))),
            notes=self._first_notes(),
        )

    def _parameters(self) -> int | None:
        """How many numbers the weights stand for; packed files hold fewer."""
        files = self.checkpoint.files
        if self.checkpoint.packed is None:
            return files.parameters()
        if files.gguf is not None:
            return parameters_of(files.folder / files.gguf)
        from harness.engines.hf.meta_model import on_meta

        try:
            model = on_meta(self.checkpoint.config, trust_remote_code=self.checkpoint.trust_remote_code)
        except EngineError:
            return None
        return sum(int(parameter.numel()) for parameter in model.parameters())

    def _generation(self) -> Mapping[str, Any]:
        """What is in force for every request beside its own sampling."""
        return {
            **self.throughput_options(),
            "overflow": self.options.overflow,
            "context_window": self.window,
            "end_token_ids": list(self.end_ids),
            "repetition_penalty": 1.0,
            "num_beams": 1,
            "template_options": dict(self.options.template_options),
        }

    def _first_notes(self) -> tuple[str, ...]:
        left_out = not_applied(self.checkpoint.generation)
        notes = [left_out] if left_out else []
        if self._live is not None:
            taken = f", without {self._live.wrapped} around it" if self._live.wrapped else ""
            notes.append(f"the weights were in memory{taken}")
        files = self.checkpoint.files
        if files.repo and not files.online:
            notes.append("the hub was not reachable: the cached copy is used")
        if self.window is None:
            notes.append("no context window is known: prompts are never cut (set the option context_window)")
        size, tokens = vocabulary_of(self.checkpoint.config), len(self.checkpoint.tokenizer)
        if size is not None and tokens > size:
            notes.append(f"the tokenizer has {tokens} tokens, the model {size}: prompts with the others are refused")
        says_bos = bool(self.checkpoint.tokenizer_config.get("add_bos_token"))
        return (*notes, *self.encoder.notes(says_bos))

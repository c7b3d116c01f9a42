"""Requests to token jobs that fit the context window, and token results to replies. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.datatypes import (
    ChatPrompt,
    Completion,
    ContinuationScore,
    Failure,
    Finish,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Prompt,
    Refusal,
    Reply,
    Request,
    RollingRequest,
)
from harness.engines.base import PromptSize
from harness.engines.hf.digests import ids_digest
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.stop_strings import cut_at_stop
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job, Outcome, Refused, Scored, ScoreJob
from harness.engines.hf.window import Row, fit_prompt, fit_row
from harness.engines.request_seed import own_seed
from harness.errors import EngineError, ModelError


@dataclass(frozen=True, slots=True)
class FittedJob:
    """A job that fits, and how many tokens were cut from the left of its prompt."""

    job: Job
    dropped: int


@dataclass(frozen=True, slots=True)
class Fitting:
    """How prompts become jobs: one encoder, one context window, and whether a prompt may be cut to fit it.

    `vocabulary`: rows of the model's embedding; a prompt with a token beyond them is refused.
    """

    encoder: PromptEncoder
    window: int | None
    refuse: bool
    vocabulary: int | None = None

    def size(self, request: Request) -> PromptSize:
        """Render and count. Raises EngineError if the template refuses the messages."""
        if isinstance(request, GenerateRequest):
            prompt = self.encoder.encode(request.prompt)
            fitted = fit_prompt(prompt.ids, request.sampling.max_tokens, self.window)
            return PromptSize(len(prompt.ids), fitted.dropped, fitted.max_new, prompt.text)
        if isinstance(request, RollingRequest):
            windows = self._windows(request.text)
            return PromptSize(sum(len(after) for _, after in windows), 0, 0, request.text)
        rows = self._rows(request)
        dropped = max((row.dropped for row in rows), default=0)
        kept = [(row.context, row.continuation) for row in rows]
        return PromptSize(_tokens(request, kept), dropped, 0, self.encoder.render(request.prompt))

    def fit(self, request: Request) -> FittedJob | Refusal:
        """Make the job, or the refusal with its reason."""
        try:
            fitted = self._fit(request)
        except ModelError:
            raise
        except EngineError as error:
            return _refusal(request, "template", str(error), ours=True)
        if isinstance(fitted, FittedJob) and (token := self._beyond(fitted.job)) is not None:
            shown = self.encoder.tokenizer.convert_ids_to_tokens(token)
            message = f"the token {token} ({shown!r}) lies beyond the model's embedding of {self.vocabulary} rows"
            return _refusal(request, "vocabulary", message, ours=True)
        return fitted

    def _fit(self, request: Request) -> FittedJob | Refusal:
        if isinstance(request, GenerateRequest):
            return self._generate(request)
        return self._roll(request) if isinstance(request, RollingRequest) else self._score(request)

    def _beyond(self, job: Job) -> int | None:
        """The largest id of a job where the model has no such token."""
        if self.vocabulary is None:
            return None
        rows = [job.ids] if isinstance(job, GenerateJob) else [ids for row in job.rows for ids in row]
        most = max((max(ids, default=0) for ids in rows), default=0)
        return most if most >= self.vocabulary else None

    def reply(self, request: Request, fitted: FittedJob, outcome: Outcome) -> Reply:
        """Put an outcome into the request's words."""
        if isinstance(outcome, Refused):
            return _refusal(request, outcome.kind, outcome.message, ours=True)
        if isinstance(outcome, Generated):
            assert isinstance(request, GenerateRequest) and isinstance(fitted.job, GenerateJob)
            return self._completion(request, fitted.job, fitted.dropped, outcome)
        assert isinstance(fitted.job, ScoreJob)
        if isinstance(request, RollingRequest):
            return _rolled(request, fitted.job, outcome)
        assert isinstance(request, LikelihoodRequest)
        return _likelihood(request, fitted.job, fitted.dropped, outcome)

    def _generate(self, request: GenerateRequest) -> FittedJob | Refusal:
        prompt = self.encoder.encode(request.prompt)
        if not prompt.ids:
            return _refusal(request, "empty_prompt", "the prompt has no tokens to start from", ours=True)
        fitted = fit_prompt(prompt.ids, request.sampling.max_tokens, self.window)
        if fitted.dropped and self.refuse:
            return _overflow(request, len(prompt.ids), self.window)
        seed = own_seed(request.sampling.seed, request.key)
        return FittedJob(GenerateJob(request.key, fitted.ids, fitted.max_new, request.sampling, seed), fitted.dropped)

    def _score(self, request: LikelihoodRequest) -> FittedJob | Refusal:
        rows = self._rows(request)
        if not rows or not all(row.continuation for row in rows):
            return _refusal(request, "empty_continuation", "a continuation has no tokens to score", ours=True)
        dropped = max(row.dropped for row in rows)
        if dropped and self.refuse:
            return _overflow(request, max(row.length for row in rows), self.window)
        if not all(row.context for row in rows):
            most = max(len(row.continuation) for row in rows)
            message = f"a continuation has {most} tokens and leaves no room before it in the window of {self.window}"
            # The prompt was to be cut, and that did not help: no fault of the model
            return _refusal(request, "context_overflow", message, ours=True)
        kept = tuple((row.context, row.continuation) for row in rows)
        return FittedJob(ScoreJob(request.key, kept, len(set(_prompts(request)))), dropped)

    def _roll(self, request: RollingRequest) -> FittedJob | Refusal:
        rows = self._windows(request.text)
        if not rows:
            return _refusal(request, "empty_continuation", "the text has no tokens to score", ours=True)
        return FittedJob(ScoreJob(request.key, tuple(rows)), 0)

    def _windows(self, text: str) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """A text as (context, continuation) rows, each token once.

        As lm-evaluation-harness has it: the first row starts after the start token; every later one is a full window,
        whose continuation is what is new and whose context is what fits before it.
        """
        start, ids = self.encoder.start_and_ids(text)
        window = self.window or len(ids) + 1
        rows: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((start,), ids[:window])] if ids else []
        for done in range(window, len(ids), window):
            end = min(done + window, len(ids))
            # The last token of a window is scored and not read, so one more fits before
            rows.append((ids[max(0, end - window - 1) : done], ids[done:end]))
        return rows

    def _rows(self, request: LikelihoodRequest) -> list[Row]:
        prompts = zip(_prompts(request), request.continuations, strict=True)
        pairs = [self.encoder.encode_pair(prompt, continuation) for prompt, continuation in prompts]
        return [fit_row(context.ids, continuation, self.window) for context, continuation in pairs]

    def _completion(self, request: GenerateRequest, job: GenerateJob, dropped: int, found: Generated) -> Completion:
        text, cut = cut_at_stop(self.encoder.decode(job.ids, found.ids), request.sampling.stop)
        mark = self._reasoning_mark(request, job) if isinstance(request.prompt, ChatPrompt) else ""
        finish: Finish = "stop" if cut or found.stopped else "eos" if found.ended else "length"
        return Completion(
            request.key,
            text,
            finish,
            prompt_tokens=len(job.ids),
            output_tokens=len(found.ids),
            cached_tokens=found.cached,
            dropped_tokens=dropped,
            seconds=found.seconds,
            prompt_hash=ids_digest([job.ids]),
            token_logprobs=found.logprobs,
            reasoning_mark=mark,
            closed_reasoning=found.closed_reasoning,
        )

    def opening(self, request: GenerateRequest, job: GenerateJob) -> str:
        """The end of the prompt that belongs to the answer: an opening mark of reasoning, and the prefill."""
        prefill = request.prompt.prefill if isinstance(request.prompt, ChatPrompt) else ""
        return self._reasoning_mark(request, job) + prefill

    def _reasoning_mark(self, request: GenerateRequest, job: GenerateJob) -> str:
        prefill = request.prompt.prefill if isinstance(request.prompt, ChatPrompt) else ""
        return self.encoder.reasoning_mark(job.ids, prefill)


def _likelihood(request: LikelihoodRequest, job: ScoreJob, dropped: int, found: Scored) -> Likelihood:
    return Likelihood(
        request.key,
        tuple(
            ContinuationScore(row.logprob, len(row.logprobs), len(text), len(text.encode()), row.greedy, row.logprobs)
            for text, row in zip(request.continuations, found.rows, strict=True)
        ),
        prompt_tokens=_tokens(request, job.rows),
        cached_tokens=found.cached,
        dropped_tokens=dropped,
        seconds=found.seconds,
        prompt_hash=ids_digest([[*context, *continuation] for context, continuation in job.rows]),
    )


def _rolled(request: RollingRequest, job: ScoreJob, found: Scored) -> Likelihood:
    logprobs = tuple(logprob for row in found.rows for logprob in row.logprobs)
    text, greedy = request.text, all(row.greedy for row in found.rows)
    return Likelihood(
        request.key,
        (ContinuationScore(math.fsum(logprobs), len(logprobs), len(text), len(text.encode()), greedy),),
        prompt_tokens=len(logprobs),
        cached_tokens=found.cached,
        seconds=found.seconds,
        prompt_hash=ids_digest([[*context, *continuation] for context, continuation in job.rows]),
    )


def _prompts(request: LikelihoodRequest) -> Sequence[Prompt]:
    """The prompt of each continuation."""
    return request.contexts or (request.prompt,) * len(request.continuations)


def _tokens(request: LikelihoodRequest, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> int:
    """Each different prompt once, where it was cut at several places its longest, and each continuation."""
    longest: dict[Prompt, int] = {}
    for prompt, (context, _) in zip(_prompts(request), rows, strict=True):
        longest[prompt] = max(longest.get(prompt, 0), len(context))
    return sum(longest.values()) + sum(len(after) for _, after in rows)


def _refusal(request: Request, kind: str, message: str, *, ours: bool) -> Refusal:
    return Refusal(request.key, Failure("engine", kind, message, ours))


def _overflow(request: Request, tokens: int, window: int | None) -> Refusal:
    message = f"the prompt has {tokens} tokens and leaves too little of the context window of {window}"
    return _refusal(request, "context_overflow", message, ours=False)

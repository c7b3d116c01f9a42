"""The exact way to prompt: our own tokenizer and template, token ids to the server, as the local engine makes them.

Guarantees: the same prompt hash as the local engine's; a prompt that is too long is cut or refused as there; where the
server returns token ids, the prompt was read as it was sent, and the answer is decoded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from harness.datatypes import ChatPrompt, Completion, GenerateRequest, Refusal, Reply, Request, Style
from harness.engines.base import PromptSize
from harness.engines.endpoint.likelihoods import ROOM, score_calls, scored
from harness.engines.endpoint.prepared import Prepared
from harness.engines.endpoint.replies import finish_of, refusal, served_by
from harness.engines.endpoint.sending import Answered, Sendable
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.stops import stops_to_send
from harness.engines.endpoint.tokenizer import ServedTokenizer
from harness.engines.endpoint.wire import GenerateCall, PromptWay, TokenPrompt
from harness.engines.hf.digests import ids_digest
from harness.engines.hf.fitting import Fitting
from harness.engines.hf.stop_strings import cut_at_stop
from harness.engines.hf.token_jobs import Generated, GenerateJob, ScoreJob

# A prompt that shares so many first tokens with another goes to the same URL
PREFIX_TOKENS = 64


class ExactPrompts:
    """Prompts as token ids."""

    way: PromptWay = "exact"

    def __init__(self, tokenizer: ServedTokenizer, style: Style, window: int | None, refuse: bool) -> None:
        """`window` is the user's; `refuse`: prompts that do not fit are not cut."""
        self.style = style
        self._tokenizer = tokenizer
        self._encoder = tokenizer.encoder
        self._chosen_window = window
        self._refuse = refuse

    def check(self, requests: Sequence[Request]) -> tuple[str, ...]:
        """Refuse examples that the chat template does not show; note options that it does not read.

        Raises ModelError.
        """
        self._encoder.chat.require_turns(requests)
        return self._encoder.chat.unread_options(requests)

    def probe_ids(self) -> tuple[int, ...]:
        """The start token alone. Raises EngineError where the tokenizer has none."""
        return (self._encoder.start_and_ids("")[0],)

    def size(self, request: Request) -> PromptSize:
        """Count as the local engine does; the server's own window is not known yet."""
        return self._fitting(request, ServerFacts()).size(request)

    def prepare(self, request: Request, facts: ServerFacts) -> Prepared | Refusal:
        """Render, tokenise and fit."""
        fitted = self._fitting(request, facts).fit(request)
        if isinstance(fitted, Refusal):
            return fitted
        job = fitted.job
        if isinstance(job, ScoreJob):
            return Prepared(request, score_calls(job, facts), fitted)
        stop = job.sampling.stop
        sampling = replace(job.sampling, max_tokens=job.max_new)
        call = GenerateCall(
            job.key,
            TokenPrompt(job.ids),
            sampling,
            stops_to_send(stop, facts.dialect.stops),
            job.seed if sampling.temperature > 0 else None,
            logprobs=sampling.logprobs,
        )
        prefix = ids_digest([job.ids[:PREFIX_TOKENS]])
        seen = tuple(one for one in stop if one)
        return Prepared(request, (Sendable(call, prefix, len(job.ids), job.max_new, seen),), fitted)

    def reply(self, prepared: Prepared, facts: ServerFacts, seconds: float) -> Reply:
        """Decode, cut and word the answer as the local engine does."""
        fitted, answers, request = prepared.fitted, prepared.answers, prepared.request
        assert fitted is not None
        if isinstance(request, GenerateRequest):
            return self._completion(prepared, request, answers[0], facts, seconds)
        job = cast(ScoreJob, fitted.job)
        found = scored(job, prepared.calls, answers, seconds)
        if isinstance(found, str):
            return refusal(request, "broken_reply", found)
        reply = self._fitting(request, facts).reply(request, fitted, found)
        return reply if isinstance(reply, Refusal) else replace(reply, served=served_by(answers))

    def _fitting(self, request: Request, facts: ServerFacts) -> Fitting:
        """How prompts are fitted, by the window that is really there: the user's, else the server's, else the config's.

        The server generates a token after what it scores, for which its window must have room.
        """
        served, window = facts.window, self._chosen_window or facts.window or self._tokenizer.window
        if served is not None and not isinstance(request, GenerateRequest):
            served -= ROOM
        if served is not None and window is not None:
            window = min(window, served)
        return Fitting(self._encoder, window, self._refuse, self._tokenizer.vocabulary)

    def _completion(
        self, prepared: Prepared, request: GenerateRequest, answer: Answered, facts: ServerFacts, seconds: float
    ) -> Reply:
        assert prepared.fitted is not None
        job, reply = cast(GenerateJob, prepared.fitted.job), answer.reply
        if reply.prompt_ids is not None and reply.prompt_ids != job.ids:
            return refusal(request, "prompt_changed", "the server read other token ids than were sent")
        if reply.output_ids is None:
            return self._of_text(prepared, request, answer, seconds)
        ids, ended, stopped = self._cut_ids(reply.output_ids, request.sampling.stop)
        logprobs = None if reply.token_logprobs is None else reply.token_logprobs[: len(ids)]
        ended = ended or (reply.ending in ("end", "unknown") and not stopped)
        stopped = stopped or reply.ending == "stop"
        found = Generated(job.key, ids, stopped, ended, logprobs, reply.usage.cached, seconds)
        worded = self._fitting(request, facts).reply(request, prepared.fitted, found)
        if not isinstance(worded, Completion):
            return worded
        finish = worded.finish
        if finish == "length" or reply.ending == "filtered":
            finish = finish_of(reply.ending, False, len(ids), request.sampling.max_tokens)
        return replace(worded, finish=finish, served=served_by([answer]))

    def _of_text(self, prepared: Prepared, request: GenerateRequest, answer: Answered, seconds: float) -> Completion:
        """The completion by the text that the server decoded."""
        assert prepared.fitted is not None
        job, reply, prompt = cast(GenerateJob, prepared.fitted.job), answer.reply, request.prompt
        text, cut = cut_at_stop(reply.text, request.sampling.stop)
        mark = self._encoder.reasoning_mark(job.ids, prompt.prefill) if isinstance(prompt, ChatPrompt) else ""
        return Completion(
            request.key,
            text,
            finish_of(reply.ending, cut, reply.usage.output, request.sampling.max_tokens),
            prompt_tokens=len(job.ids),
            output_tokens=reply.usage.output,
            cached_tokens=reply.usage.cached,
            dropped_tokens=prepared.fitted.dropped,
            seconds=seconds,
            prompt_hash=ids_digest([job.ids]),
            token_logprobs=reply.token_logprobs,
            reasoning_mark=mark,
            reasoning=reply.reasoning,
            served=served_by([answer]),
        )

    def _cut_ids(self, ids: tuple[int, ...], stop: tuple[str, ...]) -> tuple[tuple[int, ...], bool, bool]:
        """The ids up to and with the first end token or stop string that is a token, and which of the two it was.

        A server may know fewer end tokens than the model's files name.
        """
        stops = self._encoder.special_stops([one for one in stop if one])
        for place, token in enumerate(ids):
            if token in stops:
                return ids[: place + 1], False, True
            if token in self._tokenizer.end_ids:
                return ids[: place + 1], True, False
        return ids, False, False

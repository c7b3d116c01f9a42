"""Pools that behave as real servers do, for the start probe: a small language model behind each server's own traps.

The model is a function from a context to logits, so that greedy text, samples, continuations and log-probabilities are
all of one piece, as a real model's are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.datatypes import ChatPrompt, TextPrompt
from harness.engines.endpoint.sending import Answered, Failed, Sent
from harness.engines.endpoint.wire import (
    Call,
    ChoiceCall,
    Dialect,
    Fault,
    GenerateCall,
    PromptToken,
    ScoreCall,
    TokenPrompt,
    Usage,
    WireReply,
)

WORDS = (
    "<s>",
    "<user>",
    "<assistant>",
    "<end>",
    *(f"{a}{b}" for a in "bdfgklmn" for b in ("ar", "el", "im", "on", "ut")),
)
START, USER, ASSISTANT, END = range(4)
SPOKEN = range(4, len(WORDS))


def logprobs(context: Sequence[int]) -> list[float]:
    """Of each token after a context."""
    draw = random.Random(repr(tuple(context)))
    logits = [draw.gauss(0, 2) if token in SPOKEN else -50.0 for token in range(len(WORDS))]
    total = math.log(sum(map(math.exp, logits)))
    return [logit - total for logit in logits]


def tokens(text: str) -> list[int]:
    """Words to ids; words that the model does not have become some that it has."""
    return [WORDS.index(word) if word in WORDS else 4 + len(word) % len(SPOKEN) for word in text.split()]


def bad_request(message: str, parameter: str | None = None) -> Fault:
    """An HTTP 400."""
    return Fault("bad_request", message, False, status=400, parameter=parameter)


@dataclass
class FakeServer:
    """A `Pool` in front of the small model. The defaults are an honest server that refuses what it does not know."""

    name: str = "demo"
    known: frozenset[str] = frozenset({"max_tokens", "temperature", "top_p", "stop", "seed", "logprobs", "stream"})
    ignores_unknown: bool = False
    unknown_text: str = "Unrecognized request argument supplied: {}"
    lists_all_unknown: bool = False
    models: object | None = None
    any_name: bool = False
    requested: str = "demo"
    samples: bool = True
    sharpness: float = 1.0
    most_temperature: float = 2.0
    stops: int = 4
    keeps_stop: bool = False
    ignores_stop: bool = False
    prefill: Literal["continued", "returned", "new_turn", "refused"] = "continued"
    flags_continue: bool = False
    takes_ids: bool = True
    adds_start: bool = False
    returns_ids: bool = False
    scoring: Literal["none", "right", "constant", "generated", "shifted"] = "none"
    echo: bool = False
    choice_ids: bool = False
    gives_logprobs: bool = True
    own_top_k: int = 0
    penalty: float = 0.0
    flaky: bool = False
    fingerprint: str = ""
    stream: Literal["works", "empty", "no_usage", "refused"] = "works"
    answers: tuple[str, ...] = ()
    fault: Fault | None = None
    calls: list[tuple[Call, Dialect]] = field(default_factory=list)
    dialect: Dialect = field(default_factory=Dialect)
    answered: int = 0

    # --- the pool's side

    def use(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def get(self, path: str, url: str | None = None) -> object | None:
        assert path == "/models"
        return self.models

    def once(self, call: Call, url: str | None = None) -> Sent:
        self.calls.append((call, self.dialect))
        outcome = self.fault or self.answer(call)
        if isinstance(outcome, Fault):
            return Failed(call.key, outcome, 1)
        self.answered += 1
        return Answered(call.key, outcome, url or "", 0.01, 1)

    def stream_calls(self) -> None:
        raise AssertionError("the probe sends one call at a time")

    @property
    def in_flight(self) -> int:
        return 0

    def finish_in_flight(self, seconds: float) -> Any:
        raise AssertionError("nothing is in flight")

    def close(self) -> None:
        pass

    # --- the server's side

    def fields(self, call: Call) -> dict[str, Any]:
        """The fields of the body that a wire would write."""
        dialect = self.dialect
        body: dict[str, Any] = {dialect.max_tokens: 1, **dialect.extra}
        if isinstance(call, GenerateCall):
            body |= dialect.sampler
            if isinstance(call.prompt, ChatPrompt) and call.prompt.template_options:
                body["chat_template_kwargs"] = dict(call.prompt.template_options)
            if dialect.temperature:
                body |= {"temperature": call.sampling.temperature}
                body |= {"top_p": 1.0} if dialect.top_p else {}
            if dialect.seed and call.seed is not None:
                body["seed"] = call.seed
            if call.stop:
                body["stop"] = list(call.stop[: dialect.stops])
            if dialect.token_ids_back:
                body["return_token_ids"] = True
            if call.logprobs:
                body["logprobs"] = True
            if dialect.stream:
                body["stream"] = True
            if isinstance(call.prompt, ChatPrompt) and call.prompt.prefill and dialect.continue_flags:
                body["continue_final_message"] = True
        return body

    def refusal(self, body: Mapping[str, Any]) -> Fault | None:
        unknown = [name for name in body if name not in self.known]
        if unknown and not self.ignores_unknown:
            named = ", ".join(unknown) if self.lists_all_unknown else unknown[0]
            return bad_request(self.unknown_text.format(named))
        if body.get("temperature", 1.0) > self.most_temperature:
            return bad_request(f"temperature: at most {self.most_temperature}", "temperature")
        if len(body.get("stop", ())) > self.stops:
            return bad_request(f"stop: at most {self.stops} strings", "stop")
        if body.get("stream") and self.stream == "refused":
            return bad_request("stream is not supported", "stream")
        return None

    def answer(self, call: Call) -> WireReply | Fault:
        body = self.fields(call)
        if (refused := self.refusal(body)) is not None:
            return refused
        if isinstance(call, GenerateCall):
            return self.generate(call, body)
        return self.score(call) if isinstance(call, ScoreCall) else self.choose(call)

    def context(self, call: GenerateCall) -> list[int] | Fault:
        prompt = call.prompt
        if isinstance(prompt, TokenPrompt):
            if not self.takes_ids:
                return bad_request("prompt must be a string", "prompt")
            return [START, *prompt.ids] if self.adds_start else list(prompt.ids)
        if isinstance(prompt, TextPrompt):
            return [START, *tokens(prompt.text)]
        asked = [token for message in prompt.messages for token in (USER, *tokens(message.content), END)]
        context = [START, *asked, ASSISTANT]
        if not prompt.prefill:
            return context
        if self.prefill == "refused":
            return bad_request("the conversation must end with a user message", "messages")
        context += tokens(prompt.prefill)
        flagged = self.flags_continue and self.dialect.continue_flags
        return [*context, END, ASSISTANT] if self.prefill == "new_turn" and not flagged else context

    def generate(self, call: GenerateCall, body: Mapping[str, Any]) -> WireReply | Fault:
        context = self.context(call)
        if isinstance(context, Fault):
            return context
        temperature = body.get("temperature", 1.0) if self.samples else 0.0
        top_k = call.sampling.top_k if "top_k" in body and "top_k" in self.known else 0
        seed = body.get("seed", random.random()) if "seed" in self.known else random.random()
        new: list[int] = []
        scores: list[float] = []
        for place in range(call.sampling.max_tokens):
            row = logprobs([*context, *new])
            weighed = list(row)
            if "repetition_penalty" not in body and self.penalty:
                # Its effect, not its formula: greedy text parts after some tokens
                weighed[max(SPOKEN, key=lambda token: row[token])] -= self.penalty if place == 3 else 0
            best = sorted(SPOKEN, key=lambda token: -weighed[token])
            draw = random.Random(f"{seed} {place}" if not self.flaky else None)
            if temperature == 0 and not self.flaky:
                token = best[0]
            else:
                kept = best[: top_k or self.own_top_k or len(best)]
                token = draw.choices(
                    kept,
                    [
                        math.exp((weighed[one] - weighed[best[0]]) * self.sharpness / (temperature or 1) ** 15)
                        for one in kept
                    ],
                )[0]
            new.append(token)
            scores.append(row[token])
            text = " ".join(WORDS[one] for one in new)
            hit = next((one for one in body.get("stop", ()) if one in text), None)
            if hit is not None and not self.ignores_stop:
                kept_text = text if self.keeps_stop else text.partition(hit)[0]
                return self.reply(call, context, new, scores, kept_text, "stop")
        return self.reply(call, context, new, scores, " ".join(WORDS[one] for one in new), "length")

    def reply(
        self, call: GenerateCall, context: list[int], new: list[int], scores: list[float], text: str, ending: Any
    ) -> WireReply:
        if isinstance(call.prompt, ChatPrompt) and call.prompt.prefill and self.prefill == "returned":
            text = f"{call.prompt.prefill} {text}"
        usage = Usage(prompt=len(context), output=len(new))
        if self.dialect.stream and self.stream == "no_usage":
            usage = Usage()
        if self.dialect.stream and self.stream == "empty":
            text = ""
        reply = WireReply(
            text,
            ending,
            usage=usage,
            model=self.requested if self.any_name else self.name,
            fingerprint=self.fingerprint,
            token_logprobs=tuple(scores) if call.logprobs and self.gives_logprobs else None,
        )
        if self.returns_ids and self.dialect.token_ids_back:
            reply = replace(reply, prompt_ids=tuple(context), output_ids=tuple(new))
        return reply

    def score(self, call: ScoreCall) -> WireReply | Fault:
        way = self.dialect.scoring
        if self.scoring == "none" or (way == "echo") != self.echo:
            return Fault("broken_reply", "the answer has no log-probabilities of the prompt", True)
        scored = []
        for place in range(1, len(call.ids)):
            row = logprobs(call.ids[:place])
            token, best = call.ids[place], max(SPOKEN, key=lambda one: row[one])
            logprob, greedy = row[token], token == best
            if self.scoring == "generated":
                token, logprob, greedy = best, row[best], True
            elif self.scoring == "constant":
                logprob, greedy = -0.5, True
            elif self.scoring == "shifted":
                logprob -= 0.1
            scored.append(PromptToken(token, logprob, greedy))
        return WireReply("", "length", model=self.name, prompt_tokens=tuple(scored))

    def choose(self, call: ChoiceCall) -> WireReply | Fault:
        if not self.choice_ids:
            return Fault("broken_reply", "the answer lacks log-probabilities of the options", True)
        row = logprobs(call.ids)
        return WireReply("", "length", model=self.name, option_logprobs={one: row[one] for one in call.options})


def llama_server(**changes: Any) -> FakeServer:
    """llama.cpp's server: it takes any name and any field, and returns a prefill."""
    fields = FakeServer().known | {"top_k", "min_p", "max_completion_tokens"}
    window = {"object": "list", "data": [{"id": "demo", "owned_by": "llamacpp", "meta": {"n_ctx": 2048}}]}
    return FakeServer(
        **{
            "known": fields,
            "ignores_unknown": True,
            "models": window,
            "stops": 99,
            "prefill": "returned",
            "own_top_k": 40,
            **changes,
        }
    )


def transformers_serve(**changes: Any) -> FakeServer:
    """`transformers serve`: strict about fields, keeps stop strings, opens a new turn, and samples nothing."""
    return FakeServer(
        **{
            "unknown_text": "Unexpected fields in the request: {{'{}'}}",
            "models": {"data": [{"id": "demo", "owned_by": "org"}]},
            "lists_all_unknown": True,
            "samples": False,
            "stops": 99,
            "keeps_stop": True,
            "prefill": "new_turn",
            "takes_ids": False,
            "gives_logprobs": False,
            **changes,
        }
    )


def vllm(**changes: Any) -> FakeServer:
    """vLLM: it ignores unknown fields, returns ids, scores prompts, and continues a prefill with both flags only."""
    fields = FakeServer().known | {"top_k", "min_p", "repetition_penalty", "return_token_ids", "continue_final_message"}
    return FakeServer(
        **{
            "known": fields,
            "ignores_unknown": True,
            "models": {"data": [{"id": "demo", "owned_by": "vllm", "max_model_len": 4096, "root": "/models/demo"}]},
            "prefill": "new_turn",
            "flags_continue": True,
            "returns_ids": True,
            "scoring": "right",
            "choice_ids": True,
            "fingerprint": "vllm-0.32.0-5ca1ab1e",
            **changes,
        }
    )


def openai(**changes: Any) -> FakeServer:
    """OpenAI's chat models: strict, one wrong field named at a time, a dated name in the answer."""
    return FakeServer(
        **{
            "name": "gpt-4o-2024-08-06",
            "requested": "gpt-4o",
            "known": FakeServer().known | {"max_completion_tokens"},
            "unknown_text": "Unknown parameter: '{}'.",
            "models": {"data": [{"id": "gpt-4o", "owned_by": "system"}, {"id": "gpt-4", "owned_by": "openai"}]},
            "prefill": "new_turn",
            "fingerprint": "fp_1",
            **changes,
        }
    )


class OSeries(FakeServer):
    """OpenAI's reasoning models: another spelling of the limit, temperature 1 only, no stop, hidden reasoning."""

    def refusal(self, body: Mapping[str, Any]) -> Fault | None:
        if "max_tokens" in body:
            return bad_request(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                "max_tokens",
            )
        if body.get("temperature", 1.0) != 1.0:
            return bad_request("Unsupported value: 'temperature' does not support 0 with this model.", "temperature")
        if "stop" in body:
            return bad_request("Unsupported parameter: 'stop' is not supported with this model.", "stop")
        return super().refusal(body)

    def reply(self, *args: Any) -> WireReply:
        whole = super().reply(*args)
        return replace(whole, text="", ending="length", usage=replace(whole.usage, reasoning=8))


def o_series() -> OSeries:
    """o1, o3, gpt-5."""
    usual = openai()
    return OSeries(name="o3-2025-04-16", requested="o3", known=usual.known, unknown_text=usual.unknown_text)


def anthropic(**changes: Any) -> FakeServer:
    """Anthropic: no seeds, a prefill is continued, unknown fields are refused."""
    return FakeServer(
        **{
            "name": "claude-3-5-sonnet-20241022",
            "requested": "claude-3-5-sonnet-20241022",
            "known": frozenset({"max_tokens", "temperature", "top_p", "top_k", "stop", "stream"}),
            "unknown_text": "{}: Extra inputs are not permitted",
            "models": {"data": [{"id": "claude-3-5-sonnet-20241022", "display_name": "Claude"}]},
            "stops": 99,
            "takes_ids": False,
            "gives_logprobs": False,
            **changes,
        }
    )

"""An engine that scores after one prompt only still gives every continuation the likelihood after its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.datatypes import (
    ContinuationScore,
    Failure,
    Likelihood,
    LikelihoodRequest,
    Refusal,
    Reply,
    Request,
    Served,
    TextPrompt,
)
from harness.engines.base import Capabilities, PromptSize
from harness.engines.contexts import InParts, measured

OLD = Capabilities(loglikelihoods=True)


def request(key: str, prompts: Sequence[str], continuations: Sequence[str]) -> LikelihoodRequest:
    """Continuation i after prompt i; one prompt is that of all."""
    contexts = tuple(map(TextPrompt, prompts)) if len(prompts) > 1 else ()
    return LikelihoodRequest(key, "task", "s", 0, TextPrompt(prompts[0]), tuple(continuations), contexts)


class Lengths:
    """Scores a continuation by the lengths of its prompt and of itself, and knows nothing of contexts."""

    def __init__(self, refuses: dict[str, bool] | None = None) -> None:
        self.refuses = refuses or {}
        self.received: list[Request] = []

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer in another order."""
        for one in reversed(requests):
            self.received.append(one)
            assert isinstance(one, LikelihoodRequest) and isinstance(one.prompt, TextPrompt) and not one.contexts
            text = one.prompt.text
            if text in self.refuses:
                yield Refusal(one.key, Failure("engine", "k", text, ours=self.refuses[text]))
                continue
            scores = tuple(
                ContinuationScore(-float(100 * len(text) + len(each)), 1, len(each), len(each), False)
                for each in one.continuations
            )
            served = Served(float(len(text)), attempts=2)
            yield Likelihood(one.key, scores, len(text), 1, 2, 0.5, prompt_hash=text, served=served)

    def measure(self, one: Request) -> PromptSize:
        """Letters are tokens."""
        assert isinstance(one, LikelihoodRequest) and isinstance(one.prompt, TextPrompt)
        return PromptSize(len(one.prompt.text), 0, 0, one.prompt.text)


def replies(engine: Lengths, able: Capabilities, *requests: Request) -> list[Reply]:
    """Through the step in front of the engine."""
    parts = InParts(able, requests)
    return list(parts.merged(engine.stream(parts.sent)))


def test_each_continuation_is_scored_after_its_own_context_and_returned_in_order():
    engine = Lengths()
    asked = request("k", ["aa", "b", "aa", "b"], ["1", "22", "333", "4444"])
    (reply,) = replies(engine, OLD, asked)
    assert isinstance(reply, Likelihood) and reply.key == "k"
    assert [-one.logprob for one in reply.continuations] == [201, 102, 203, 104]
    assert [part.key for part in engine.received] == ["k#1", "k#0"], "one request a context; costs find the whole by #"
    assert (reply.prompt_tokens, reply.cached_tokens, reply.dropped_tokens, reply.seconds) == (3, 2, 2, 1.0)
    assert reply.served == Served(2.0, attempts=4)
    assert measured(engine, OLD, asked).prompt_tokens == 3  # type: ignore[arg-type]


def test_a_prompt_hash_is_of_all_contexts_in_their_order():
    one, other, same = (
        replies(Lengths(), OLD, request("k", prompts, ["1", "2"]))[0]
        for prompts in (["a", "b"], ["b", "a"], ["a", "b"])
    )
    assert isinstance(one, Likelihood) and isinstance(other, Likelihood)
    assert one.prompt_hash and one.prompt_hash != other.prompt_hash
    assert one == same


def test_a_refused_part_refuses_the_request_and_a_fault_of_the_harness_is_never_a_zero():
    asked = request("k", ["models", "ours", "fine"], ["1", "2", "3"])
    (reply,) = replies(Lengths({"models": False, "ours": True}), OLD, asked)
    assert isinstance(reply, Refusal) and reply.key == "k" and reply.failure.ours


def test_only_requests_with_contexts_are_divided_and_only_for_engines_that_do_not_read_them():
    plain, divided = request("p", ["a"], ["1", "2"]), request("d", ["a", "b"], ["1", "2"])
    assert InParts(OLD, [plain]).sent == (plain,)
    assert InParts(Capabilities(loglikelihoods=True, contexts=True), [divided]).sent == (divided,)


def test_a_reply_that_comes_again_after_an_interrupt_is_yielded_again():
    engine = Lengths()
    parts = InParts(OLD, [request("k", ["a", "bb"], ["1", "2"])])
    sent = list(engine.stream(parts.sent))
    first = list(parts.merged(sent))
    # What an interrupted stream had not handed over is yielded a second time
    assert list(parts.merged(sent[-1:])) == first
    assert len(first) == 1

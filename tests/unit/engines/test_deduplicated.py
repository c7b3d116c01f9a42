"""Two tasks with an equal request get one reply each, and the model gets the request once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.datatypes import (
    Completion,
    Failure,
    GenerateRequest,
    LikelihoodRequest,
    Refusal,
    Reply,
    Request,
    Sampling,
    Served,
    TextPrompt,
)
from harness.engines.base import AnswersBy, Capabilities, capabilities_of
from harness.engines.deduplicated import deduplicated


class Echo:
    """An engine that answers with its prompt, or refuses, and remembers its requests."""

    def __init__(self, *, refuses: bool = False, answers_by: AnswersBy = "prompt") -> None:
        self.received: list[str] = []
        self.refuses = refuses
        self.answers_by = answers_by

    def capabilities(self) -> Capabilities:
        """As given."""
        return Capabilities(answers_by=self.answers_by)

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer in another order than that of the requests."""
        for request in reversed(requests):
            self.received.append(request.key)
            if self.refuses:
                yield Refusal(request.key, Failure("engine", "too_long", "does not fit", ours=False))
            else:
                served = Served(1.5, attempts=3, fingerprint="f")
                yield Completion(request.key, str(request.prompt), "eos", prompt_tokens=7, seconds=2.0, served=served)


def generate(key: str, text: str, **sampling: Any) -> GenerateRequest:
    """A request for a continuation."""
    return GenerateRequest(key, f"task-{key}", "s0", 0, TextPrompt(text), Sampling(8, **sampling))


def replies(engine: Echo, *requests: Request) -> dict[str, Any]:
    """Replies by key; one each."""
    found = list(deduplicated(engine, capabilities_of(engine, "echo"), requests))  # type: ignore[arg-type]
    assert len({reply.key for reply in found}) == len(found) == len(requests)
    return {reply.key: reply for reply in found}


def test_an_equal_request_of_two_tasks_is_sent_once_and_its_time_counted_once():
    engine = Echo()
    found = replies(engine, generate("a", "1 + 1"), generate("b", "1 + 1"), generate("c", "2 + 2"))
    assert sorted(engine.received) == ["a", "c"]
    assert found["a"].text == found["b"].text != found["c"].text
    assert (found["a"].seconds, found["b"].seconds) == (2.0, 0.0)
    assert (found["a"].cached_tokens, found["b"].cached_tokens) == (0, 7)


def test_attempts_and_latency_of_a_shared_answer_are_counted_once():
    found = replies(Echo(), generate("a", "1 + 1"), generate("b", "1 + 1"))
    assert found["a"].served == Served(1.5, attempts=3, fingerprint="f")
    assert found["b"].served == Served(0.0, attempts=0, fingerprint="f")


def test_requests_that_may_have_different_replies_are_all_sent():
    engine = Echo()
    replies(
        engine,
        generate("greedy", "1"),
        generate("longer", "1", seed=1),
        generate("stops", "1", stop=("x",)),
        generate("drawn", "1", temperature=0.7),
        generate("drawn-again", "1", temperature=0.7),
        LikelihoodRequest("likely", "t", "s0", 0, TextPrompt("1"), ("a", "b")),
        LikelihoodRequest("other", "t", "s0", 0, TextPrompt("1"), ("a", "c")),
    )
    assert len(engine.received) == 7


def test_likelihoods_and_refusals_are_shared_too():
    engine = Echo(refuses=True)
    twice = [LikelihoodRequest(key, "t", "s0", 0, TextPrompt("1"), ("a", "b")) for key in ("x", "y")]
    found = replies(engine, *twice)
    assert engine.received == ["x"] and found["x"].failure == found["y"].failure


def test_an_engine_gets_every_request_unless_it_declares_that_it_answers_by_prompt():
    class Undeclared(Echo):
        capabilities = None  # type: ignore[assignment]

    for engine in (Echo(answers_by="task"), Undeclared()):
        replies(engine, generate("a", "1 + 1"), generate("b", "1 + 1"))
        assert sorted(engine.received) == ["a", "b"]

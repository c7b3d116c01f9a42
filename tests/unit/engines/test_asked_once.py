"""Two tasks that ask the same question get one answer each, and the model is asked once."""

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
    TextPrompt,
)
from harness.engines.asked_once import asked_once


class Echo:
    """An engine that answers with its prompt, or refuses, and remembers what it was asked."""

    answers_by = "prompt"

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[str] = []
        self.refuses = refuses

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer in another order than asked."""
        for request in reversed(requests):
            self.asked.append(request.key)
            if self.refuses:
                yield Refusal(request.key, Failure("engine", "too_long", "does not fit", ours=False))
            else:
                yield Completion(request.key, str(request.prompt), "eos", prompt_tokens=7, seconds=2.0)


def asks(key: str, text: str, **sampling: Any) -> GenerateRequest:
    """A request for a continuation."""
    return GenerateRequest(key, f"task-{key}", "s0", 0, TextPrompt(text), Sampling(8, **sampling))


def replies(engine: Echo, *requests: Request) -> dict[str, Any]:
    """Replies by key; one each."""
    found = list(asked_once(engine, requests))  # type: ignore[arg-type]
    assert len({reply.key for reply in found}) == len(found) == len(requests)
    return {reply.key: reply for reply in found}


def test_a_question_of_two_tasks_is_asked_once_and_its_time_counted_once():
    engine = Echo()
    found = replies(engine, asks("a", "1 + 1"), asks("b", "1 + 1"), asks("c", "2 + 2"))
    assert sorted(engine.asked) == ["a", "c"]
    assert found["a"].text == found["b"].text != found["c"].text
    assert (found["a"].seconds, found["b"].seconds) == (2.0, 0.0)
    assert (found["a"].cached_tokens, found["b"].cached_tokens) == (0, 7)


def test_what_may_be_answered_otherwise_is_asked_again():
    engine = Echo()
    replies(
        engine,
        asks("greedy", "1"),
        asks("longer", "1", seed=1),
        asks("stops", "1", stop=("x",)),
        asks("drawn", "1", temperature=0.7),
        asks("drawn-again", "1", temperature=0.7),
        LikelihoodRequest("likely", "t", "s0", 0, TextPrompt("1"), ("a", "b")),
        LikelihoodRequest("other", "t", "s0", 0, TextPrompt("1"), ("a", "c")),
    )
    assert len(engine.asked) == 7


def test_likelihoods_and_refusals_are_shared_too():
    engine = Echo(refuses=True)
    twice = [LikelihoodRequest(key, "t", "s0", 0, TextPrompt("1"), ("a", "b")) for key in ("x", "y")]
    found = replies(engine, *twice)
    assert engine.asked == ["x"] and found["x"].failure == found["y"].failure


def test_an_engine_that_does_not_declare_that_it_answers_by_prompt_gets_every_request():
    class ByTask(Echo):
        answers_by = "task"

    class Undeclared(Echo):
        answers_by = None

    for kind in (ByTask, Undeclared):
        engine = kind()
        replies(engine, asks("a", "1 + 1"), asks("b", "1 + 1"))
        assert sorted(engine.asked) == ["a", "b"]

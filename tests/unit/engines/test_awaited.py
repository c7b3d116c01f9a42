"""One reply to each request: what an interrupt cut short comes again, what was taken does not."""

from __future__ import annotations

import pytest

from harness.datatypes import Completion, GenerateRequest, Sampling, TextPrompt
from harness.engines.awaited import Awaited
from harness.errors import EngineError

REQUESTS = [GenerateRequest(key, "sums", key, 0, TextPrompt("1 + 1 ="), Sampling(4)) for key in "abc"]
REPLIES = [Completion(key, "2", "stop") for key in "abc"]


def test_a_reply_comes_again_only_if_an_interrupt_kept_it_from_the_caller() -> None:
    awaited = Awaited("echo", REQUESTS)
    replies = awaited.every(iter(REPLIES))
    awaited.taken(next(replies).key)
    assert next(replies).key == "b", "and the interrupt comes before it is taken"
    assert [reply.key for reply in awaited.first(iter(REPLIES))] == ["b", "c"]


def test_a_request_without_a_reply_and_a_reply_without_a_request_are_the_engines_fault() -> None:
    with pytest.raises(EngineError, match=r"the engine echo gave no reply to 1 of 3 requests.*'c'"):
        list(Awaited("echo", REQUESTS).every(iter(REPLIES[:2])))
    with pytest.raises(EngineError, match="replied to a request that it did not get"):
        list(Awaited("echo", REQUESTS[:1]).every(iter(REPLIES)))
    assert len(list(Awaited("echo", REQUESTS).every(iter([*REPLIES, *REPLIES])))) == 3, "a second reply is dropped"

"""What becomes of a server's answers: texts cut, endings named, faults never taken for answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from endpoint_fakes import MESSAGES_API, URL, Fake, fake_engine, generation, said, usage

from harness.datatypes import (
    ChatPrompt,
    Completion,
    LikelihoodRequest,
    Message,
    Refusal,
    RollingRequest,
    Sampling,
    TextPrompt,
)
from harness.engines.anthropic import API as ANTHROPIC
from harness.engines.base import Accountable, capabilities_of
from harness.engines.endpoint.needs import refuse_by_options
from harness.engines.endpoint.notes import AnswerChanges
from harness.engines.endpoint.probe.needs import ProbeNeeds, missing
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import Call, Dialect, Fault, FaultKind, GenerateCall, WireReply
from harness.engines.openai import API as OPENAI
from harness.errors import ConfigError, EngineError

PREFILLED = ChatPrompt((Message("user", "Write f."),), prefill="```python\n")
TEXT = {"style": "text"}


def one(reply: WireReply | Fault, server: ServerFacts | None = None, **sampling: Any) -> Completion:
    """The completion of one request to which a server answers so."""
    found = fake_engine(lambda call: reply, server).replies(generation(**sampling))["k"]
    assert isinstance(found, Completion), found
    return found


def calls(fake: Fake) -> list[GenerateCall]:
    """What was sent."""
    return [one.call for one in fake.pool.sent if isinstance(one.call, GenerateCall)]


# --- what is sent ---------------------------------------------------------------------------------


def test_each_request_is_one_call_with_its_own_settings() -> None:
    fake = fake_engine(lambda call: said("4"))
    fake.replies(generation("a", max_tokens=5), generation("b", temperature=0.8, top_p=0.9, top_k=40))
    a, b = calls(fake)
    assert a.sampling == Sampling(5) and a.seed is None
    assert b.sampling == Sampling(8, temperature=0.8, top_p=0.9, top_k=40)


def test_a_sampled_request_has_a_seed_of_its_own_that_stays_the_same() -> None:
    seeds = []
    for _ in range(2):
        fake = fake_engine(lambda call: said("4"))
        fake.replies(*[generation(key, temperature=1.0) for key in ("a", "b", "c")])
        seeds.append([call.seed for call in calls(fake)])
    assert seeds[0] == seeds[1] and len({*seeds[0]}) == 3 and None not in seeds[0]


def test_only_so_many_stops_are_sent_as_the_server_takes_and_none_is_empty() -> None:
    stop = ("", "a", "b", "c", "d", "e")
    fake = fake_engine(lambda call: said("xex"), ServerFacts(dialect=Dialect(stops=4)))
    (reply,) = fake.replies(generation(stop=stop)).values()
    assert calls(fake)[0].stop == ("a", "b", "c", "d")
    assert isinstance(reply, Completion) and (reply.text, reply.finish) == ("x", "stop"), "cut here at the fifth"
    assert fake.pool.sent[0].stop == ("a", "b", "c", "d", "e"), "a stream may be closed at any of them"


def test_a_limit_above_the_window_is_lowered_to_what_fits() -> None:
    fake = fake_engine(lambda call: said("4"), ServerFacts(window=100))
    fake.replies(generation(max_tokens=1000))
    # `user: 2 + 2?` and an empty turn are 24 bytes, 12 tokens at most
    assert 50 <= calls(fake)[0].sampling.max_tokens < 100
    long = ChatPrompt((Message("user", "many words " * 20),))
    fake = fake_engine(lambda call: said("4"), ServerFacts(window=100))
    fake.replies(generation(prompt=long, max_tokens=1000))
    assert calls(fake)[0].sampling.max_tokens == 50


def test_prompts_with_the_same_examples_share_a_prefix_and_repeats_of_a_prompt_too() -> None:
    shots = (Message("user", "1 + 1?"), Message("assistant", "2"))
    fake = fake_engine(lambda call: said("4"))
    fake.replies(
        generation("a", ChatPrompt((*shots, Message("user", "2 + 2?")))),
        generation("b", ChatPrompt((*shots, Message("user", "3 + 3?")))),
        generation("c", ChatPrompt((Message("user", "3 + 3?"),)), temperature=1.0),
        generation("d", ChatPrompt((Message("user", "3 + 3?"),)), temperature=1.0),
        generation("e", ChatPrompt((Message("user", "4 + 4?"),))),
    )
    a, b, c, d, e = [one.prefix for one in fake.pool.sent]
    assert a == b and c == d and len({a, c, e}) == 3


# --- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "text", "finish"),
    [
        (said("4"), "4", "eos"),
        (said("4", ending="stop"), "4", "stop"),
        (said("4\nQ: more", ending="stop"), "4", "stop"),  # transformers serve keeps the stop string
        (said("4\nQ: more", ending="length", usage=usage(8)), "4", "stop"),  # a stop that was not sent
        (said("4 4 4", ending="length", usage=usage(8)), "4 4 4", "length"),
        (said("4 4 4", ending="length", usage=usage(5)), "4 4 4", "window"),  # llama-server's word for a full window
        (said("4 4 4", ending="length"), "4 4 4", "length"),
        (said("4", ending="window"), "4", "window"),
        (said("I", ending="filtered"), "I", "filtered"),
        (said("4", ending="unknown"), "4", "eos"),
    ],
)
def test_an_answer_ends_where_and_as_it_ended(reply: WireReply, text: str, finish: str) -> None:
    found = one(reply, stop=("\nQ:",))
    assert (found.text, found.finish) == (text, finish)


def test_what_the_server_counts_and_states_is_kept() -> None:
    reply = said(
        "4",
        reasoning="two and two",
        usage=usage(7, prompt=11, cached=4, reasoning=5),
        model="m-2024",
        fingerprint="fp",
        provider="p",
    )
    found = one(reply)
    assert (found.prompt_tokens, found.output_tokens, found.cached_tokens) == (11, 7, 4)
    assert found.reasoning == "two and two" and found.text == "4"
    assert found.served is not None
    assert (found.served.model, found.served.fingerprint, found.served.provider) == ("m-2024", "fp", "p")
    assert (found.served.latency, found.served.attempts, found.served.reasoning_tokens) == (0.5, 1, 5)
    assert found.seconds is not None and found.prompt_hash


def test_different_prompts_have_different_hashes_and_none_depends_on_the_key() -> None:
    fake = fake_engine(lambda call: said("4"))
    other = ChatPrompt((Message("user", "2 + 2"),), prefill="?")
    found = fake.replies(generation("a"), generation("b"), generation("c", other))
    hashes = [reply.prompt_hash for reply in found.values() if isinstance(reply, Completion)]
    assert len(hashes) == 3 and len({*hashes}) == 2


@pytest.mark.parametrize(
    ("came", "text"),
    [
        ("```python\ndef f(): ...", "def f(): ..."),
        ("```python\n```python\nx", "```python\nx"),  # taken off once
        ("def f(): ...", "def f(): ..."),
    ],
)
def test_a_prefill_that_comes_back_is_taken_off_once(came: str, text: str) -> None:
    fake = fake_engine(lambda call: said(came), ServerFacts(prefill="returned"))
    (reply,) = fake.replies(generation(prompt=PREFILLED, stop=("\n```\n",))).values()
    assert isinstance(reply, Completion) and reply.text == text
    assert fake.pool.sent[0].stop == (), "a stop string in a returned prefill must not close the stream"


def test_a_prefill_that_is_continued_is_left_as_it_came() -> None:
    fake = fake_engine(lambda call: said("```python\nx"), ServerFacts(prefill="continued"))
    (reply,) = fake.replies(generation(prompt=PREFILLED)).values()
    assert isinstance(reply, Completion) and reply.text == "```python\nx"


# --- empty answers --------------------------------------------------------------------------------


def test_an_empty_answer_is_requested_once_more() -> None:
    came = iter([said(""), said("4")])
    fake = fake_engine(lambda call: next(came))
    (reply,) = fake.replies(generation()).values()
    assert isinstance(reply, Completion) and reply.text == "4" and len(fake.pool.sent) == 2
    assert reply.served is not None and reply.served.attempts == 2, "both were requested"


def test_an_answer_that_stays_empty_is_the_models_own() -> None:
    fake = fake_engine(lambda call: said(""))
    found = fake.replies(*[generation(key) for key in "abc"])
    assert [reply.text for reply in found.values() if isinstance(reply, Completion)] == ["", "", ""]
    assert len(fake.pool.sent) == 6


@pytest.mark.parametrize(
    "reply",
    [
        said("", ending="length", reasoning="I think", usage=usage(8)),
        said("", reasoning="I think"),
        said("", ending="filtered"),
        said("", ending="stop", stop_string="\n"),
    ],
)
def test_an_empty_answer_with_its_reason_is_not_requested_again(reply: WireReply) -> None:
    fake = fake_engine(lambda call: reply)
    (found,) = fake.replies(generation(stop=("\n",))).values()
    assert isinstance(found, Completion) and found.text == "" and len(fake.pool.sent) == 1
    assert found.reasoning == reply.reasoning


# --- faults ---------------------------------------------------------------------------------------


def fault(kind: FaultKind) -> Fault:
    return Fault(kind, f"the server said {kind}", retry=False)


@pytest.mark.parametrize("kind", ["server_error", "timeout", "broken_reply", "rate_limited", "bad_request"])
def test_a_fault_is_ours_and_never_an_answer(kind: FaultKind) -> None:
    (found,) = fake_engine(lambda call: fault(kind)).replies(generation()).values()
    assert isinstance(found, Refusal)
    assert (found.failure.stage, found.failure.kind, found.failure.ours) == ("engine", kind, True)
    assert found.failure.message == f"the server said {kind}"


@pytest.mark.parametrize(("overflow", "ours"), [("refuse", False), ("truncate_left", True)])
def test_a_prompt_that_does_not_fit_is_the_models_own_fault_only_where_it_was_to_be_refused(
    overflow: str, ours: bool
) -> None:
    fake = fake_engine(lambda call: fault("context_overflow"), options={"overflow": overflow})
    (found,) = fake.replies(generation()).values()
    assert isinstance(found, Refusal) and found.failure.ours is ours and found.failure.kind == "context_overflow"


def test_what_the_server_withholds_is_an_answer_without_text() -> None:
    found = one(fault("filtered"))
    assert (found.text, found.finish) == ("", "filtered")


# --- what is refused before a request -------------------------------------------------------------


def test_a_protocol_of_messages_only_is_not_given_a_tokenizer_as_the_remedy() -> None:
    """With the engine anthropic a tokenizer changes nothing: the hint must name the engine for which it does."""
    with pytest.raises(ConfigError, match=r"use the engine openai and set engine\.tokenizer"):
        refuse_by_options([generation(prompt=TextPrompt("2 + 2 ="))], "chat", MESSAGES_API.features)
    lacking = missing(ServerFacts(prefill="new_turn"), ProbeNeeds(prefill="begun"))
    assert lacking is not None and "use the engine openai with engine.tokenizer" in lacking


THINKING = ChatPrompt((Message("user", "2 + 2?"),), template_options=(("enable_thinking", True),))


def test_template_options_of_a_task_are_refused_where_the_protocol_has_no_field_for_them() -> None:
    fake = fake_engine(lambda call: said("4"), api=ANTHROPIC)
    with pytest.raises(ConfigError, match=r"enable_thinking.*template_options to \{\}.*engine\.extra_body") as caught:
        fake.engine.check([generation(prompt=THINKING)])
    assert "thinking: {type: enabled" in str(caught.value) and not fake.pool.sent
    official = fake_engine(lambda call: said("4"), options={"url": "https://api.openai.com/v1"}, api=OPENAI)
    with pytest.raises(ConfigError, match="reasoning_effort"):
        official.engine.check([generation(prompt=THINKING)])


def test_a_server_that_refuses_template_options_is_refused_before_the_first_sample() -> None:
    fake = fake_engine(lambda call: said("4"))
    fake.replies(generation(prompt=THINKING))
    needs = fake.connection.needs
    assert needs is not None and needs.options == (("enable_thinking", True),)
    fault = missing(ServerFacts(template_options=False), needs)
    assert fault is not None and "chat_template_kwargs" in fault and "template_options to {}" in fault
    assert missing(ServerFacts(template_options=True), needs) is None


def test_other_template_options_are_another_prompt() -> None:
    fake = fake_engine(lambda call: said("4"))
    found = fake.replies(generation("a"), generation("b", THINKING)).values()
    assert len({reply.prompt_hash for reply in found if isinstance(reply, Completion)}) == 2


def likelihood(task: str = "choices") -> LikelihoodRequest:
    return LikelihoodRequest("l", task, "s", 0, TextPrompt("2 + 2 ="), (" 4", " 5"))


@pytest.mark.parametrize("request_", [likelihood(), RollingRequest("r", "choices", "s", 0, TextPrompt(""), "text")])
def test_log_likelihoods_without_a_tokenizer_are_refused_with_what_they_need(request_: Any) -> None:
    fake = fake_engine(lambda call: said("4"))
    with pytest.raises(ConfigError, match=r"'choices' needs log-likelihoods.*engine\.tokenizer"):
        fake.engine.check([generation(), request_])
    assert not fake.connection.opened


def test_a_plain_prompt_is_not_sent_as_a_message_nor_a_chat_as_text() -> None:
    fake = fake_engine(lambda call: said("4"))
    with pytest.raises(ConfigError, match=r"'sums' has a plain-text prompt.*engine\.prompts to text"):
        fake.engine.check([generation(prompt=TextPrompt("2 + 2 ="))])
    fake = fake_engine(lambda call: said("4"), **TEXT)
    with pytest.raises(ConfigError, match="'sums' has a chat prompt"):
        fake.engine.check([generation()])
    fake.replies(generation(prompt=TextPrompt("2 + 2 =")))
    assert calls(fake)[0].prompt == TextPrompt("2 + 2 =")


def test_the_messages_protocol_has_no_text_no_likelihoods_and_no_log_probabilities() -> None:
    for options, spec in (({"prompts": "text"}, {}), ({}, {"style": "text"}), ({"prompts": "exact"}, {})):
        with pytest.raises(ConfigError, match="the engine anthropic takes messages only"):
            fake_engine(lambda call: said("4"), options=options, api=MESSAGES_API, **spec)
    fake = fake_engine(lambda call: said("4"), api=MESSAGES_API)
    able = capabilities_of(fake.engine, "anthropic")
    assert not able.loglikelihoods and not able.seeds and able.prefill
    with pytest.raises(ConfigError, match="log-probabilities, which this protocol does not return"):
        fake.engine.check([generation(logprobs=True)])


@pytest.mark.parametrize(
    ("options", "spec", "message"),
    [
        ({"urll": URL}, {}, "did you mean 'url'"),
        ({"prompts": "exact"}, {}, r"engine\.prompts: exact needs a tokenizer"),
        ({"prompts": "chat"}, {"style": "text"}, "chat contradicts style: text"),
        ({"prompts": "text"}, {"style": "chat"}, "text contradicts style: chat"),
        ({"template_options": {"a": 1}}, {"style": "text"}, "template_options has no effect"),
        ({}, {"dtype": "float32"}, r"model\.dtype has no effect.*engine\.served_as"),
        ({}, {"device": "cpu"}, r"model\.device has no effect"),
        ({}, {"revision": "main"}, r"model\.revision has no effect without engine\.tokenizer"),
        ({}, {"trust_remote_code": True}, r"model\.trust_remote_code has no effect"),
        ({}, {"path": ""}, "needs the model's name on the server"),
        ({"tokenizer": "/no/such/folder"}, {}, "no such folder"),
    ],
)
def test_settings_that_cannot_work_are_refused_when_the_engine_is_built(
    options: dict[str, Any], spec: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        fake_engine(lambda call: said("4"), options=options, **spec)


# --- facts ----------------------------------------------------------------------------------------


def test_the_identity_has_the_model_and_the_way_to_prompt_but_not_the_host_or_the_pace() -> None:
    def facts(url: str, **options: Any) -> Any:
        fake = fake_engine(lambda call: said("4"), options={"url": url, "served_as": "bfloat16", **options})
        return fake.engine.facts()

    here = facts("http://node1:8000", concurrency=4)
    assert here == facts("http://node2:8000,http://node3:8000", stream=False, idle_seconds=3)
    assert (here.engine, here.model, here.style, here.dtype) == ("openai", "served", "chat", "bfloat16")
    assert here.digests == {"served_model": "org/served"} and here.generation["prompts"] == "chat"
    for other in ({"extra_body": {"a": 1}}, {"template_options": {"b": 1}}, {"overflow": "refuse"}):
        assert facts("http://node1:8000", **other).generation != here.generation


def test_what_the_probe_finds_is_in_the_facts_after_load_and_no_earlier() -> None:
    server = ServerFacts(model="m", window=4096, deterministic=True, seeds=False, notes=("a note",))
    fake = fake_engine(lambda call: said("4"), server)
    fake.engine.check([generation(temperature=1.0)])
    before = fake.engine.facts()
    assert not before.server and before.context_window is None
    fake.engine.load()
    fake.engine.load()
    after = fake.engine.facts()
    assert len(fake.connection.opened) == 1, "probed once"
    assert after.server["model"] == "m" and after.context_window == 4096 and after.deterministic is True
    assert "a note" in after.notes and any("sampler defaults unknown" in note for note in after.notes)
    assert any("other sampled answers for the same seed" in note for note in after.notes)
    assert (before.generation, before.digests, before.style) == (after.generation, after.digests, after.style)


def test_the_probe_is_told_what_the_run_needs() -> None:
    fake = fake_engine(lambda call: said("4"))
    fake.replies(generation("a"), generation("b", PREFILLED, temperature=0.5, top_k=3, stop=("a", "", "b")))
    needs = fake.connection.needs
    assert needs is not None
    assert (needs.greedy, needs.sampled, needs.prefill, needs.top_k) == ("sums", "sums", "sums", "sums")
    assert (needs.likelihoods, needs.logprobs, needs.stops) == ("", "", 2)


def test_the_precision_is_requested_of_those_who_run_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def notes(**options: Any) -> tuple[str, ...]:
        return fake_engine(lambda call: said("4"), options=options).engine.facts().notes

    assert any("--set engine.served_as=" in note for note in notes())
    assert not notes(served_as="float32")
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "sk-x")
    assert not notes(url="https://api.openai.com/v1")


def test_another_server_in_mid_run_is_noted() -> None:
    came = iter(["a", "a", "", "b", "b"])
    fake = fake_engine(lambda call: said("4", fingerprint=next(came)))
    fake.replies(*[generation(key) for key in "12345"])
    changes = [note for note in fake.engine.facts().notes if "changed" in note]
    assert changes == ["the server's fingerprint changed during the run: a -> b"]


def test_several_servers_that_differ_are_no_change() -> None:
    changes = AnswerChanges()
    for name, url in [("a", "u1"), ("b", "u2"), ("a", "u1"), ("b", "u2")]:
        changes.see(said("4", fingerprint=name), url)
    assert not changes.notes()
    changes.see(said("4", fingerprint="c"), "u2")
    assert changes.notes() == ("the server's fingerprint changed during the run: b -> c",)


def test_a_prompt_without_a_tokenizer_is_estimated_and_marked_so() -> None:
    size = fake_engine(lambda call: said("4")).engine.measure(
        generation(prompt=ChatPrompt((Message("user", "a" * 400),)))
    )
    assert size.estimated and 100 <= (size.prompt_tokens or 0) <= 110 and size.max_new_tokens == 8
    assert "a" * 400 in size.rendered


def test_the_engine_declares_what_it_can_keep() -> None:
    able = capabilities_of(fake_engine(lambda call: said("4"), options={"concurrency": 7}).engine, "openai")
    assert able.answers_by == "prompt" and not able.independent and not able.token_ids
    assert able.concurrency == 7 and able.prefill and able.seeds


# --- the run around it ----------------------------------------------------------------------------


def test_the_ledger_is_there_when_the_pool_is_opened() -> None:
    fake = fake_engine(lambda call: said("4"))
    assert isinstance(fake.engine, Accountable)
    ledger: Any = object()
    waiting: Callable[[str], None] = print
    fake.engine.account_to(ledger, waiting)
    fake.engine.load()
    assert fake.connection.opened == [(ledger, waiting)]


def test_after_an_interrupt_what_is_in_flight_still_becomes_replies() -> None:
    fake = fake_engine(lambda call: said("4"))
    fake.pool.interrupt_after = 1
    requests = [generation(key) for key in "abc"]
    fake.engine.check(requests)
    with pytest.raises(KeyboardInterrupt):
        list(fake.engine.stream(requests))
    assert fake.engine.in_flight() > 0
    rest = list(fake.engine.finish_in_flight(5))
    assert sorted(reply.key for reply in rest) == ["a", "b"]
    assert all(isinstance(reply, Completion) and reply.text == "4" for reply in rest)


def test_an_empty_answer_after_an_interrupt_is_left_to_the_resumed_run() -> None:
    fake = fake_engine(lambda call: said("" if call.key == "a" else "4"))
    fake.pool.interrupt_after = 1
    requests = [generation(key) for key in "abc"]
    fake.engine.check(requests)
    with pytest.raises(KeyboardInterrupt):
        list(fake.engine.stream(requests))
    assert [reply.key for reply in fake.engine.finish_in_flight(5)] == ["b"]


def test_one_stream_at_a_time() -> None:
    fake = fake_engine(lambda call: said("4"))
    first = fake.engine.stream([generation("a"), generation("b")])
    next(first)
    with pytest.raises(EngineError, match="another stream"):
        next(fake.engine.stream([generation("c")]))
    assert len(list(first)) == 1
    assert len(list(fake.engine.stream([generation("c")]))) == 1


def test_closing_twice_closes_the_pool_once() -> None:
    fake = fake_engine(lambda call: said("4"))
    fake.engine.load()
    fake.engine.close()
    fake.engine.close()
    assert fake.pool.closed == 1


def test_building_sends_nothing() -> None:
    def never(call: Call) -> WireReply:
        raise AssertionError("sent")

    fake = fake_engine(never)
    fake.engine.check([generation()])
    fake.engine.measure(generation())
    assert not fake.connection.opened and not fake.pool.sent

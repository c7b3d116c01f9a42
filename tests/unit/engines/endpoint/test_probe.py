"""The start probe against the traps of real servers: each is seen by what the server does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from servers.fake_pools import (
    START,
    FakeServer,
    anthropic,
    bad_request,
    llama_server,
    o_series,
    openai,
    transformers_serve,
    vllm,
)

from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.probe.needs import ProbeNeeds, missing
from harness.engines.endpoint.probe.prefill import judge, splits
from harness.engines.endpoint.probe.start import probe
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import Fault, GenerateCall
from harness.errors import ConfigError, EndpointError, EngineError

CHAT = ProbeNeeds(greedy="sums", sampled="poems", prefill="code", stops=6)
EXACT = ProbeNeeds(way="exact", ids=(START,), greedy="sums", sampled="poems", likelihoods="mc", logprobs="lp", stops=2)


def look(server: FakeServer, needs: ProbeNeeds, wire: str = "openai", **options: Any) -> ServerFacts:
    return probe(server, wire, server.requested, EndpointOptions(**options), needs)


# --- what each server is found to do


def test_llama_server_is_seen_as_it_is():
    server = llama_server()
    facts = look(server, CHAT)
    assert (facts.prefill, facts.keeps_stop, facts.samples, facts.seeds) == ("returned", False, True, True)
    assert (facts.ignores_unknown, facts.window, facts.listed, facts.deterministic) == (True, 2048, True, True)
    assert facts.dialect.stops == 6
    assert set(facts.dialect.sampler) == {"top_k", "min_p", "repetition_penalty"}
    assert missing(facts, CHAT) is None


def test_transformers_serve_is_refused_where_it_does_not_sample():
    facts = look(transformers_serve(), CHAT)
    assert (facts.samples, facts.keeps_stop, facts.prefill) == (False, True, "new_turn")
    assert (facts.ignores_unknown, facts.dialect.sampler, facts.dialect.continue_flags) == (False, {}, False)
    assert "poems" in (missing(facts, CHAT) or "")
    assert "code" in (missing(facts, replace(CHAT, sampled="")) or "")
    assert missing(facts, ProbeNeeds(greedy="sums", stops=2)) is None


def test_vllm_continues_a_prefill_with_both_flags_only():
    facts = look(vllm(), CHAT)
    assert (facts.prefill, facts.dialect.continue_flags, facts.dialect.token_ids_back) == ("continued", True, True)
    assert (facts.dialect.stops, facts.keeps_stop, facts.fingerprint) == (4, False, "vllm-0.32.0-5ca1ab1e")
    assert missing(facts, CHAT) is None


def test_template_options_of_tasks_are_tried_once():
    thinks = ProbeNeeds(template_options="sums", options=(("enable_thinking", True),))
    taken = look(vllm(), thinks)
    assert taken.template_options is True and missing(taken, thinks) is None
    refused = look(openai(), thinks)
    assert refused.template_options is False
    assert "'sums'" in (missing(refused, thinks) or "")
    assert look(openai(), CHAT).template_options is None


def test_vllm_scores_are_proved_right():
    facts = look(vllm(), EXACT)
    assert (facts.token_ids, facts.scoring, facts.logprobs) == (True, True, True)
    assert (facts.dialect.scoring, facts.dialect.choice_ids, facts.window) == ("prompt_logprobs", True, 4096)
    assert missing(facts, EXACT) is None


def test_openai_names_one_unknown_field_at_a_time():
    facts = look(openai(), replace(CHAT, prefill=""))
    assert (facts.dialect.sampler, facts.dialect.token_ids_back, facts.ignores_unknown) == ({}, False, False)
    assert (facts.dialect.stops, facts.samples, facts.seeds, facts.deterministic) == (4, True, True, True)
    assert facts.model == "gpt-4o-2024-08-06"
    assert any("gpt-4o is answered by gpt-4o-2024-08-06" in note for note in facts.notes)


def test_a_reasoning_model_with_its_own_spelling_and_temperature():
    facts = look(o_series(), replace(CHAT, prefill=""))
    assert (facts.dialect.max_tokens, facts.dialect.temperature) == ("max_completion_tokens", False)
    assert (facts.dialect.stops, facts.samples, facts.deterministic) == (0, None, None)
    assert "only temperature 1" in (missing(facts, CHAT) or "")
    assert missing(facts, ProbeNeeds(sampled="poems", stops=1)) is None


def test_anthropic_has_no_seeds_and_continues_a_prefill():
    facts = look(anthropic(), CHAT, "anthropic")
    assert (facts.prefill, facts.samples, facts.seeds, facts.dialect.seed) == ("continued", True, None, False)
    assert (dict(facts.dialect.sampler), facts.dialect.continue_flags) == ({"top_p": 1.0, "top_k": 0}, False)
    assert missing(facts, CHAT) is None


@pytest.mark.parametrize("make", [llama_server, transformers_serve, vllm, openai, o_series])
def test_a_dozen_tiny_requests_are_enough(make):
    server = make()
    facts = look(server, replace(CHAT, logprobs="lp"))
    assert server.answered <= 12
    # A refusal costs nothing
    assert facts.requests == len(server.calls) <= 15
    sizes = [call.sampling.max_tokens for call, _ in server.calls if isinstance(call, GenerateCall)]
    assert max(sizes) <= 8


def test_what_a_run_does_not_need_is_not_tried():
    server = vllm()
    facts = look(server, ProbeNeeds(greedy="sums"))
    assert len(server.calls) <= 2
    assert (facts.samples, facts.prefill, facts.scoring, facts.keeps_stop) == (None, "unknown", None, None)


def test_the_pool_uses_what_was_found():
    server = vllm()
    facts = look(server, CHAT)
    assert server.dialect == facts.dialect
    assert facts.dialect.extra == {}


# --- the model


@pytest.mark.parametrize(
    ("requested", "stated"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet", "claude-3-5-sonnet-20241022"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("llama3", "llama3:latest"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5-0.5b-instruct"),
        ("openai/gpt-4o", "gpt-4o-2024-08-06"),
        ("/data/models/demo", "/data/models/demo@main"),
    ],
)
def test_another_spelling_of_the_model_is_the_model(requested, stated):
    facts = look(FakeServer(name=stated, requested=requested), ProbeNeeds())
    assert facts.model == stated


@pytest.mark.parametrize(
    ("requested", "stated"),
    [("gpt-4o", "gpt-4o-mini-2024-07-18"), ("gpt-4o", "demo"), ("demo", "demo-larger"), ("llama3:70b", "llama3:8b")],
)
def test_another_model_than_the_requested_one_is_refused(requested, stated):
    server = FakeServer(name=stated, requested=requested)
    with pytest.raises(ConfigError, match="answers_as") as refused:
        look(server, ProbeNeeds())
    assert repr(stated) in str(refused.value)
    assert len(server.calls) == 1
    assert any("answers_as" in note for note in look(server, ProbeNeeds(), answers_as=stated).notes)


def test_a_stated_precision_does_not_switch_the_check_of_the_model_off():
    server = FakeServer(name="demo-larger", requested="demo")
    with pytest.raises(ConfigError, match="'demo-larger', not 'demo'"):
        look(server, ProbeNeeds(), served_as="float32")
    with pytest.raises(ConfigError, match="'demo-larger', not 'demo-small'"):
        look(server, ProbeNeeds(), answers_as="demo-small")


def test_a_server_that_repeats_any_name_is_found_out_by_its_list():
    server = llama_server(any_name=True, requested="gpt-4o")
    with pytest.raises(ConfigError, match="'demo'"):
        look(server, ProbeNeeds())


def test_a_further_url_must_serve_the_same_model():
    class Two(FakeServer):
        def once(self, call, url=None):
            self.name = "other" if url == "http://b/v1" else "demo"
            return super().once(call, url)

    with pytest.raises(ConfigError, match="http://b/v1 serves"):
        probe(Two(), "openai", "demo", EndpointOptions(), ProbeNeeds(), urls=("http://a/v1", "http://b/v1"))


# --- faults


def test_a_model_that_must_reason_first_gets_more_tokens():
    class Reasons(FakeServer):
        def answer(self, call):
            if call.sampling.max_tokens < 100:
                return bad_request("Could not finish the message because max_tokens or model output limit was reached.")
            return super().answer(call)

    facts = look(Reasons(), ProbeNeeds(greedy="sums"))
    assert facts.deterministic is True
    assert any("no answer of a few tokens" in note for note in facts.notes)


def test_the_first_plain_request_decides_whether_there_is_a_run():
    with pytest.raises(ConfigError, match="no such thing"):
        look(FakeServer(fault=bad_request("no such thing")), ProbeNeeds())
    with pytest.raises(EngineError, match="overloaded"):
        look(FakeServer(fault=Fault("server_error", "overloaded", True, status=503)), ProbeNeeds())


def test_a_fault_in_a_later_trial_is_no_crash():
    class Breaks(FakeServer):
        def answer(self, call):
            return super().answer(call) if len(self.calls) == 1 else Fault("server_error", "broken", True, status=500)

    facts = look(Breaks(), CHAT)
    assert (facts.samples, facts.prefill, facts.deterministic) == (None, "unknown", None)
    assert any("broken" in note for note in facts.notes)


def test_a_refused_key_passes_through():
    class NoKey(FakeServer):
        def once(self, call, url=None):
            raise ConfigError("401: the key is refused")

    with pytest.raises(ConfigError, match="401"):
        look(NoKey(), ProbeNeeds())


NOTHING_THERE = [
    Fault("server_error", "cannot connect to host: Connection refused", True),
    Fault("timeout", "no connection to host in time", True),
    Fault("bad_request", "HTTP 404 without a message", False, status=404),
    Fault("broken_reply", "the answer is no complete JSON: it begins with '<html>'", True, status=200),
]


@pytest.mark.parametrize("fault", NOTHING_THERE, ids=lambda fault: fault.message[:20])
def test_a_url_without_a_server_is_the_users_input(fault):
    with pytest.raises(EndpointError, match=r"http://h/v1.*base URL") as error:
        probe(FakeServer(fault=fault), "openai", "demo", EndpointOptions(), ProbeNeeds(), urls=["http://h/v1"])
    assert fault.message in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize("fault", [fault for fault in NOTHING_THERE if fault.retry], ids=lambda fault: fault.message)
def test_a_server_that_listed_its_models_and_then_fails_is_no_wrong_url(fault):
    with pytest.raises(EngineError) as error:
        look(vllm(fault=fault), ProbeNeeds())
    assert error.value.exit_code == 3


# --- samplers that newer models refuse


def test_a_refused_top_p_leaves_the_temperature():
    server = vllm(known=vllm().known - {"top_p"}, ignores_unknown=False)
    facts = look(server, ProbeNeeds(greedy="sums"))
    assert (facts.dialect.temperature, facts.dialect.top_p) == (True, False)
    assert any("refuses top_p" in note for note in facts.notes)
    assert missing(facts, ProbeNeeds(greedy="sums")) is None


def test_anthropic_models_that_take_one_of_temperature_and_top_p_keep_the_temperature():
    class OneOfBoth(FakeServer):
        def refusal(self, body):
            if {"temperature", "top_p"} <= set(body):
                return bad_request("`temperature` and `top_p` cannot both be specified for this model.")
            return super().refusal(body)

    known = FakeServer().known | {"top_k"}
    facts = look(OneOfBoth(known=known), ProbeNeeds(greedy="sums"), "anthropic")
    assert facts.dialect.temperature is True
    assert dict(facts.dialect.sampler) == {"top_k": 0}
    assert missing(facts, ProbeNeeds(greedy="sums")) is None


def test_a_model_without_a_temperature_is_refused_for_greedy_and_for_tempered_tasks():
    class NoTemperature(FakeServer):
        def refusal(self, body):
            if "temperature" in body:
                return bad_request("temperature: Extra inputs are not permitted")
            return super().refusal(body)

    facts = look(NoTemperature(known=FakeServer().known | {"top_k"}), ProbeNeeds(sampled="poems"), "anthropic")
    assert facts.dialect.temperature is False
    assert "'sums' is greedy, and the server takes no temperature" in (missing(facts, ProbeNeeds(greedy="sums")) or "")
    assert "other than 1" in (missing(facts, ProbeNeeds(sampled="poems", tempered="poems")) or "")
    assert missing(facts, ProbeNeeds(sampled="poems")) is None


# --- token ids


def test_a_server_without_token_ids_is_refused_with_what_to_do():
    with pytest.raises(ConfigError, match=r"engine\.prompts to chat"):
        look(transformers_serve(), EXACT)


def test_a_server_that_adds_a_token_to_ours_is_refused():
    with pytest.raises(ConfigError, match="2 tokens where 1"):
        look(vllm(adds_start=True), EXACT)


# --- log-likelihoods


@pytest.mark.parametrize("scoring", ["none", "constant", "generated", "shifted"])
def test_scores_that_are_not_right_are_not_proved(scoring):
    facts = look(vllm(scoring=scoring), EXACT)
    assert (facts.scoring, facts.dialect.scoring, facts.dialect.choice_ids) == (False, "none", False)
    assert "mc" in (missing(facts, EXACT) or "")


def test_echo_is_taken_where_prompt_logprobs_are_not_there():
    facts = look(vllm(echo=True, choice_ids=False), EXACT)
    assert (facts.scoring, facts.dialect.scoring, facts.dialect.choice_ids) == (True, "echo", False)


def test_a_server_without_ids_in_its_answers_proves_nothing():
    facts = look(llama_server(scoring="right"), EXACT)
    assert facts.scoring is False


# --- sampling


def test_a_model_that_is_sure_at_temperature_1_is_not_taken_for_a_greedy_server():
    server = vllm(sharpness=5000.0)
    facts = look(server, CHAT)
    assert facts.samples is True
    assert any("the model is sure of it" in note for note in facts.notes)


def test_a_sure_model_whose_server_takes_no_higher_temperature_is_not_refused():
    facts = look(anthropic(sharpness=5000.0, most_temperature=1.0), CHAT, "anthropic")
    assert facts.samples is None
    assert missing(facts, CHAT) is None


def test_what_the_users_extra_body_sets_is_left_to_it():
    facts = look(vllm(), CHAT, extra_body={"top_k": 20})
    assert "top_k" not in facts.dialect.sampler
    assert facts.dialect.extra == {"top_k": 20}


def test_a_seed_that_does_nothing_is_seen():
    server = vllm(known=vllm().known - {"seed"})
    assert look(server, CHAT).seeds is False


def test_a_seed_that_is_refused_is_not_sent():
    server = FakeServer(known=FakeServer().known - {"seed"})
    facts = look(server, CHAT)
    assert (facts.samples, facts.seeds, facts.dialect.seed) == (True, None, False)


def test_top_k_that_is_accepted_and_not_applied_is_not_relied_on():
    server = vllm(known=vllm().known - {"top_k"})
    facts = look(server, CHAT)
    assert "top_k" not in facts.dialect.sampler
    assert "top_k" in (missing(facts, replace(CHAT, top_k="poems")) or "")


def test_greedy_text_that_changes_is_seen():
    assert look(vllm(flaky=True), ProbeNeeds(greedy="sums")).deterministic is False


def test_a_penalty_of_the_servers_own_is_not_taken_for_noise():
    facts = look(vllm(penalty=30.0), ProbeNeeds(way="exact", ids=(START,), greedy="sums"))
    assert facts.deterministic is True
    assert any("sampler's fields are switched off" in note for note in facts.notes)


# --- stop strings, prefills, streams


def test_a_stop_string_that_is_ignored_is_noted():
    facts = look(vllm(ignores_stop=True), CHAT)
    assert facts.keeps_stop is True
    assert any("does not end an answer at a stop string" in note for note in facts.notes)


@pytest.mark.parametrize("prefill", ["continued", "returned", "new_turn", "refused"])
@pytest.mark.parametrize("ids", [True, False])
def test_what_becomes_of_a_prefill_is_seen_with_and_without_token_ids(prefill, ids):
    assert look(vllm(prefill=prefill, flags_continue=False, returns_ids=ids), CHAT).prefill == prefill


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("=20\n", "continued"),
        ("=", "continued"),
        ("10+", "new_turn"),
        ("10+10=20", "new_turn"),
        ("", "unknown"),
        ("sure", "unknown"),
    ],
)
def test_an_answer_without_spaces_shows_what_became_of_a_prefill(reply, found):
    prefill, rest = next(splits("10+10=20"))
    assert (prefill, rest) == ("10+10", "=20")
    assert judge("10+10=20", rest, reply) == found


@pytest.mark.parametrize("answer", ["", "42", "no no no no", "7 7 7 7"])
def test_an_answer_that_repeats_itself_proves_nothing(answer):
    assert not list(splits(answer))


@pytest.mark.parametrize("stream", ["empty", "no_usage", "refused"])
def test_streams_that_do_not_work_are_not_used(stream):
    facts = look(vllm(stream=stream), CHAT)
    assert facts.dialect.stream is False
    assert facts.deterministic is True
    assert look(vllm(), CHAT).dialect.stream is True
    assert look(vllm(), CHAT, stream=False).dialect.stream is False

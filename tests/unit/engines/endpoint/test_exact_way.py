"""The exact way: a server that runs the demo model with plain transformers, against the local engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from endpoint_fakes import Fake, fake_engine, generation, said

from harness.datatypes import (
    ChatPrompt,
    Completion,
    Likelihood,
    LikelihoodRequest,
    Message,
    Refusal,
    Request,
    RollingRequest,
    TextPrompt,
)
from harness.engines.base import Engine, ModelSpec, capabilities_of
from harness.engines.endpoint.server import ServerFacts
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
from harness.engines.registry import open_engine
from harness.errors import ConfigError

DEMO = Path(__file__).resolve().parents[4] / "harness" / "demo" / "models" / "demo-larger"
SYSTEM = Message("system", "Answer with a number.")
CHAT = [
    generation("plain", ChatPrompt((Message("user", "What is 12 + 5?"),)), max_tokens=24),
    generation("system", ChatPrompt((SYSTEM, Message("user", "What is 3 times 4?"))), max_tokens=24),
    generation("prefill", ChatPrompt((Message("user", "What is 3 + 4?"),), "The answer is"), max_tokens=24),
    generation("stop", ChatPrompt((Message("user", "What is 30 + 4?"),)), max_tokens=24, stop=("=10", "zz")),
    generation("text", TextPrompt("def add(a, b):\n"), max_tokens=12),
    generation("short", ChatPrompt((Message("user", "What is 12 + 5?"),)), max_tokens=2),
]
SCORED: list[Request] = [
    LikelihoodRequest("choices", "t", "s", 0, TextPrompt("The answer is"), (" 4", " seven", " 44 or so")),
    LikelihoodRequest("chat", "t", "s", 0, ChatPrompt((Message("user", "2 + 2?"),)), ("4", "The answer is 4.")),
    RollingRequest("rolling", "t", "s", 0, TextPrompt(""), "The quick brown fox counts 1, 2, 3 and 4. " * 3),
]


@pytest.fixture(scope="module")
def local() -> Iterator[Engine]:
    engine = open_engine("local", ModelSpec(str(DEMO), dtype="float32", device="cpu"), {"threads": 1})
    yield engine
    engine.close()


class PlainServer:
    """The demo model behind plain `transformers`: no code of ours."""

    def __init__(self, *, ids_back: bool) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(DEMO)
        self.model = AutoModelForCausalLM.from_pretrained(DEMO, dtype="float32").eval()
        self.ids_back = ids_back

    def __call__(self, call: Call) -> WireReply:
        import torch

        with torch.no_grad():
            if isinstance(call, GenerateCall):
                return self._generate(call)
            logprobs = torch.log_softmax(self.model(torch.tensor([call.ids])).logits[0].double(), -1)
        if isinstance(call, ChoiceCall):
            last = logprobs[-1]
            best = (float(last.max()),)
            return said("x", option_logprobs={one: float(last[one]) for one in call.options}, token_logprobs=best)
        tokens = [
            PromptToken(one, float(logprobs[place][one]), bool(logprobs[place].argmax() == one))
            for place, one in enumerate(call.ids[1:])
        ]
        return said("x", prompt_tokens=tuple(tokens), usage=Usage(len(call.ids), 1, cached=2))

    def _generate(self, call: GenerateCall) -> WireReply:
        import torch

        assert isinstance(call.prompt, TokenPrompt)
        ids = list(call.prompt.ids)
        new = self.model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=call.sampling.max_tokens,
            do_sample=False,
        )[0][len(ids) :].tolist()
        ends = self.model.generation_config.eos_token_id
        ended = new[-1] in (ends if isinstance(ends, list) else [ends])
        text = self.tokenizer.decode(ids + new, skip_special_tokens=True)
        before = self.tokenizer.decode(ids, skip_special_tokens=True)
        return WireReply(
            text[len(before) :],
            "end" if ended else "length",
            usage=Usage(len(ids), len(new)),
            prompt_ids=tuple(ids) if self.ids_back else None,
            output_ids=tuple(new) if self.ids_back else None,
        )


def exact(answer: Callable[[Call], WireReply | Fault], server: ServerFacts | None = None, **options: Any) -> Fake:
    return fake_engine(answer, server, {"tokenizer": str(DEMO), **options})


def of_local(local: Engine, requests: Sequence[Request]) -> dict[str, Any]:
    return {reply.key: reply for reply in local.stream(requests)}


@pytest.mark.parametrize("ids_back", [True, False])
def test_texts_endings_counts_and_prompt_hashes_are_those_of_the_local_engine(local: Engine, ids_back: bool) -> None:
    found = exact(PlainServer(ids_back=ids_back)).replies(*CHAT)
    wanted = of_local(local, CHAT)
    for key, reply in found.items():
        assert isinstance(reply, Completion)
        shown = (reply.text, reply.finish, reply.prompt_tokens, reply.prompt_hash, reply.reasoning_mark)
        here = wanted[key]
        assert shown == (here.text, here.finish, here.prompt_tokens, here.prompt_hash, here.reasoning_mark), key
    assert {reply.finish for reply in found.values() if isinstance(reply, Completion)} >= {"stop", "length", "eos"}


@pytest.mark.parametrize("choice_ids", [True, False])
def test_log_likelihoods_are_those_of_the_local_engine(local: Engine, choice_ids: bool) -> None:
    requests = [*SCORED, LikelihoodRequest("letters", "t", "s", 0, TextPrompt("The answer is"), (" A", " is", " of"))]
    server = ServerFacts(dialect=Dialect(scoring="prompt_logprobs", choice_ids=choice_ids), scoring=True)
    fake = exact(PlainServer(ids_back=True), server)
    found, wanted = fake.replies(*requests), of_local(local, requests)
    for key, reply in found.items():
        assert isinstance(reply, Likelihood)
        here = wanted[key]
        assert reply.prompt_hash == here.prompt_hash and reply.prompt_tokens == here.prompt_tokens
        assert len(reply.continuations) == len(here.continuations)
        for mine, theirs in zip(reply.continuations, here.continuations, strict=True):
            assert mine.logprob == pytest.approx(theirs.logprob, abs=1e-3)
            assert (mine.tokens, mine.chars, mine.bytes, mine.greedy) == (
                theirs.tokens,
                theirs.chars,
                theirs.bytes,
                theirs.greedy,
            )
        assert reply.served is not None
    kinds = {type(one.call) for one in fake.pool.sent if one.call.key.startswith("letters")}
    assert kinds == ({ChoiceCall} if choice_ids else {ScoreCall})
    calls = [one for one in fake.pool.sent if one.call.key.startswith("choices#")]
    assert len(calls) == 3 and len({one.prefix for one in calls}) == 1, "one call for each, all to one URL"


def test_what_is_scored_fits_into_the_servers_window_with_the_token_that_it_generates() -> None:
    server = PlainServer(ids_back=True)
    lengths: list[int] = []

    def answer(call: Call) -> WireReply:
        assert isinstance(call, ScoreCall)
        lengths.append(len(call.ids))
        return server(call)

    facts = ServerFacts(window=20, dialect=Dialect(scoring="prompt_logprobs"), scoring=True)
    (reply,) = exact(answer, facts).replies(SCORED[2]).values()
    assert isinstance(reply, Likelihood)
    assert max(lengths) == 19 and len(lengths) > 2
    assert reply.continuations[0].tokens == reply.prompt_tokens


def test_other_tokens_than_were_sent_give_no_score() -> None:
    server = PlainServer(ids_back=True)

    def shifted(call: Call) -> WireReply:
        tokens = server(call).prompt_tokens
        assert tokens is not None
        return said("x", prompt_tokens=tokens[1:])

    def moved(call: Call) -> WireReply:
        assert isinstance(call, GenerateCall) and isinstance(call.prompt, TokenPrompt)
        return said("4", prompt_ids=(0, *call.prompt.ids), output_ids=(5,))

    (scored,) = exact(shifted, ServerFacts(scoring=True)).replies(SCORED[0]).values()
    assert isinstance(scored, Refusal) and scored.failure.ours and "other tokens" in scored.failure.message
    (generated,) = exact(moved).replies(CHAT[0]).values()
    assert isinstance(generated, Refusal) and generated.failure.ours and generated.failure.kind == "prompt_changed"


def test_an_option_is_not_called_the_likeliest_where_the_likeliest_token_is_unknown() -> None:
    facts = ServerFacts(scoring=True, dialect=Dialect(scoring="prompt_logprobs", choice_ids=True))

    def answer(call: Call) -> WireReply:
        assert isinstance(call, ChoiceCall)
        return said("x", option_logprobs=dict.fromkeys(call.options, -1.0))

    request = LikelihoodRequest("letters", "t", "s", 0, TextPrompt("The answer is"), (" A", " is"))
    (reply,) = exact(answer, facts).replies(request).values()
    assert isinstance(reply, Refusal) and reply.failure.ours and reply.failure.kind == "broken_reply"


def test_one_row_that_fails_leaves_its_request_unscored_and_no_other() -> None:
    server = PlainServer(ids_back=True)

    def answer(call: Call) -> WireReply | Fault:
        return Fault("server_error", "down", True) if call.key == "choices#1" else server(call)

    found = exact(answer, ServerFacts(scoring=True)).replies(*SCORED)
    assert isinstance(found["choices"], Refusal) and found["choices"].failure.kind == "server_error"
    assert isinstance(found["chat"], Likelihood) and isinstance(found["rolling"], Likelihood)


def test_an_answer_is_cut_at_end_tokens_that_the_server_does_not_know() -> None:
    fake = exact(PlainServer(ids_back=True))
    end = fake.engine.facts().end_tokens[0]
    tokenizer = PlainServer(ids_back=True).tokenizer
    four, end_id = tokenizer(" 4", add_special_tokens=False)["input_ids"], tokenizer.convert_tokens_to_ids(end)
    ids = (*four, end_id, *four, *four)
    (reply,) = exact(lambda call: said(" 4 4 4", ending="length", output_ids=ids)).replies(CHAT[0]).values()
    assert isinstance(reply, Completion) and (reply.text.strip(), reply.finish) == ("4", "eos")
    assert reply.output_tokens == len(four) + 1


def test_a_full_window_is_an_ending_of_its_own() -> None:
    (reply,) = exact(lambda call: said("4", ending="length", output_ids=(40, 41))).replies(CHAT[0]).values()
    assert isinstance(reply, Completion) and reply.finish == "window"


@pytest.mark.parametrize(("overflow", "cut"), [("truncate_left", True), ("refuse", False)])
def test_a_prompt_is_fitted_to_the_window_that_the_server_has(overflow: str, cut: bool) -> None:
    long = generation("long", ChatPrompt((Message("user", "one two three " * 40),)), max_tokens=8)
    fake = exact(lambda call: said("4"), ServerFacts(window=48), overflow=overflow)
    (reply,) = fake.replies(long).values()
    if cut:
        assert isinstance(reply, Completion) and reply.dropped_tokens > 0 and reply.prompt_tokens == 40
        assert len(fake.pool.sent[0].call.prompt.ids) == 40
    else:
        assert isinstance(reply, Refusal) and not reply.failure.ours and not fake.pool.sent


def test_exact_is_what_auto_means_with_a_tokenizer_and_the_identity_says_so(local: Engine) -> None:
    fake = exact(lambda call: said("4"))
    facts, here = fake.engine.facts(), local.facts()
    assert facts.generation["prompts"] == "exact" and facts.style == here.style == "chat"
    for name in ("tokenizer", "chat_template"):
        assert facts.digests[name] == here.digests[name]
    assert facts.end_tokens == here.end_tokens
    able = capabilities_of(fake.engine, "openai")
    assert able.token_ids and able.loglikelihoods
    size, wanted = fake.engine.measure(CHAT[0]), local.measure(CHAT[0])
    assert size == wanted and not size.estimated


def test_a_folder_with_a_tokenizer_and_nothing_else_is_enough(tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (tmp_path / name).write_bytes((DEMO / name).read_bytes())
    bare = fake_engine(lambda call: said("4"), options={"tokenizer": str(tmp_path)})
    whole = exact(lambda call: said("4"))
    assert bare.engine.measure(CHAT[0]).rendered == whole.engine.measure(CHAT[0]).rendered
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no tokenizer there"):
        fake_engine(lambda call: said("4"), options={"tokenizer": str(tmp_path / "empty")})


def test_with_a_tokenizer_messages_are_counted_though_the_server_renders_them() -> None:
    fake = exact(lambda call: said("4"), prompts="chat")
    size = fake.engine.measure(CHAT[0])
    assert size.estimated and size.prompt_tokens == exact(lambda call: said("4")).engine.measure(CHAT[0]).prompt_tokens
    fake.replies(CHAT[0])
    assert isinstance(fake.pool.sent[0].call.prompt, ChatPrompt)

"""What our engines generate, compared with `model.generate` on one prompt at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from engines.asking import PROMPTS, MakeEngine, answers, ask
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.datatypes import ChatPrompt, GenerateRequest, Message, Refusal, Sampling


def generated_alone(folder: Path, text: str, end_ids: list[int], max_new: int = 16) -> list[int]:
    """The oracle: transformers' own greedy generation of one prompt, without padding."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    out = model.generate(
        ids, do_sample=False, max_new_tokens=max_new, eos_token_id=end_ids, repetition_penalty=1.0, pad_token_id=2
    )
    return out[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2", "mistral", "gemma", "bloom", "mamba"])
def test_a_batch_of_unequal_prompts_gives_each_the_text_it_gets_alone(
    engine: MakeEngine, kind: str, make_model: Callable[..., Path]
) -> None:
    folder = make_model(kind)
    running = engine(folder, batch_size=4)
    got = answers(running, [ask(str(i), text) for i, text in enumerate(PROMPTS)])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    different = set()
    for index, text in enumerate(PROMPTS):
        ids = generated_alone(folder, text, list(running.facts().generation["end_token_ids"]))
        assert got[str(index)].text == tokenizer.decode(ids, skip_special_tokens=True)
        assert got[str(index)].output_tokens == len(ids)
        different.add(got[str(index)].text)
    assert len(different) > 2, "a model that always generates the same tests nothing"


def test_sampled_text_depends_on_seed_and_key_and_not_on_the_stream(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    hot = {"temperature": 1.0, "seed": 5}
    together = answers(running, [ask(str(i), "The quick", **hot) for i in range(4)])
    alone = answers(running, [ask("2", "The quick", **hot)])
    assert alone["2"].text == together["2"].text
    assert len({reply.text for reply in together.values()}) == 4
    other = answers(running, [ask("2", "The quick", temperature=1.0, seed=6)])
    assert other["2"].text != alone["2"].text


def test_sampling_leaves_the_programs_own_random_numbers_alone(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    running.load()
    torch.manual_seed(1)
    wanted = torch.rand(1)
    torch.manual_seed(1)
    answers(running, [ask("a", "The", temperature=1.0)])
    assert torch.equal(torch.rand(1), wanted)


def test_a_top_k_of_one_is_greedy_even_at_high_temperature(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    greedy = answers(running, [ask("a", "The quick")])["a"].text
    assert answers(running, [ask("a", "The quick", temperature=2.0, top_k=1)])["a"].text == greedy


def test_each_row_ends_at_its_own_stop_string_across_token_borders(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama, batch_size=8)
    whole = answers(running, [ask(str(i), text, max_tokens=40) for i, text in enumerate(PROMPTS)])
    texts = [whole[str(i)].text for i in range(len(PROMPTS))]
    stops = tuple(text[9:13] for text in texts if len(text) > 14)
    assert len(stops) >= 3
    got = answers(running, [ask(str(i), text, max_tokens=40, stop=stops) for i, text in enumerate(PROMPTS)])
    for index, text in enumerate(texts):
        places = [place for stop in stops if (place := text.find(stop)) >= 0]
        reply = got[str(index)]
        assert reply.text == (text[: min(places)] if places else text)
        if places:
            assert reply.finish == "stop"
            assert (reply.output_tokens or 0) < (whole[str(index)].output_tokens or 0)
        alone = answers(running, [ask("a", PROMPTS[index], max_tokens=40, stop=stops)])["a"]
        assert reply.output_tokens == alone.output_tokens, "waiting for slower rows is not output"


def test_requests_of_different_settings_may_share_a_stream(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama, batch_size=8)
    free = answers(running, [ask("a", PROMPTS[0], max_tokens=40)])["a"].text
    mixed = [
        ask("long", PROMPTS[0], max_tokens=40),
        ask("short", PROMPTS[0], max_tokens=3),
        ask("stop", PROMPTS[0], max_tokens=40, stop=(free[9:13],)),
    ]
    got = answers(running, mixed)
    assert got["long"].text == free
    assert (got["short"].output_tokens, got["short"].finish) == (3, "length")
    assert got["stop"].text == free[: free.find(free[9:13])]


def test_a_stop_string_in_the_prompt_does_not_stop_the_answer(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    free = answers(running, [ask("a", "Question: what")])["a"]
    assert answers(running, [ask("a", "Question: what", stop=("Question:", "what"))])["a"].text == free.text


def test_any_of_the_end_tokens_ends_the_answer_and_is_not_shown(
    engine: MakeEngine, llama: Path, make_model: Callable[..., Path]
) -> None:
    free = generated_alone(llama, PROMPTS[0], [1])
    fresh = next(i for i, token in enumerate(free) if i > 3 and token not in free[:i])
    folder = make_model("llama", generation={"eos_token_id": [free[fresh]]})
    running = engine(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert set(running.facts().end_tokens) == {
        *tokenizer.convert_ids_to_tokens([free[fresh]]),
        "<eos>",
        "<|end|>",
    }, "generation config, tokenizer and template each name one"
    reply = answers(running, [ask("a", PROMPTS[0]), ask("b", PROMPTS[4])])["a"]
    assert reply.finish == "eos"
    assert reply.output_tokens == fresh + 1


def test_the_checkpoints_sampling_defaults_change_no_greedy_answer_and_are_told(
    engine: MakeEngine, llama: Path, make_model: Callable[..., Path]
) -> None:
    folder = make_model(
        "llama",
        generation={
            "eos_token_id": 1,
            "do_sample": True,
            "temperature": 3.0,
            "repetition_penalty": 5.0,
            "min_new_tokens": 30,
            "suppress_tokens": list(range(7, 300)),
        },
    )
    plain, dressed = engine(llama), engine(folder)
    requests = [ask(str(i), text) for i, text in enumerate(PROMPTS)]
    wanted = {key: reply.text for key, reply in answers(plain, requests).items()}
    assert {key: reply.text for key, reply in answers(dressed, requests).items()} == wanted
    assert any("repetition_penalty=5.0" in note for note in dressed.facts().notes)
    assert dressed.facts().generation["repetition_penalty"] == 1.0


def test_a_long_prompt_keeps_its_end_and_says_how_much_was_cut(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama, context_window=32)
    text = " ".join(PROMPTS * 3)
    ids = AutoTokenizer.from_pretrained(llama)(text)["input_ids"]
    request = ask("a", text, max_tokens=10)
    reply = answers(running, [request])["a"]
    assert (reply.prompt_tokens, reply.dropped_tokens) == (22, len(ids) - 22)
    kept = torch.tensor([ids[-22:]])
    model = AutoModelForCausalLM.from_pretrained(llama).eval()
    out = model.generate(kept, do_sample=False, max_new_tokens=10, eos_token_id=[1, 6], pad_token_id=2)
    wanted = AutoTokenizer.from_pretrained(llama).decode(out[0, 22:], skip_special_tokens=True)
    assert reply.text == wanted
    size = running.measure(request)
    assert (size.prompt_tokens, size.dropped_tokens, size.max_new_tokens) == (len(ids), len(ids) - 22, 10)


def test_a_long_prompt_is_refused_when_the_user_wants_that(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama, context_window=32, overflow="refuse")
    (reply,) = running.stream([ask("a", " ".join(PROMPTS * 3))])
    assert isinstance(reply, Refusal)
    assert (reply.failure.kind, reply.failure.ours) == ("context_overflow", False)


def test_an_answer_that_fills_the_window_is_truncated_not_overrun(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama, context_window=32)
    reply = answers(running, [ask("a", "The quick brown fox", max_tokens=1000)])["a"]
    assert reply.finish in ("length", "eos")
    assert (reply.prompt_tokens or 0) + (reply.output_tokens or 0) <= 32


def test_a_chat_prompt_goes_through_the_template_once(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    assert running.facts().style == "chat"
    messages = (Message("system", "Be brief."), Message("user", "3 + 4?"))
    request = GenerateRequest("a", "t", "a", 0, ChatPrompt(messages, "The answer"), Sampling(8))
    size = running.measure(request)
    assert size.rendered == "<|system|>Be brief.<|end|><|user|>3 + 4?<|end|><|assistant|>The answer"
    same = ask("a", size.rendered, max_tokens=8)
    assert answers(running, [request])["a"].text == answers(running, [same])["a"].text


def test_facts_say_what_ran(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    before = running.facts()
    running.load()
    facts = running.facts()
    assert (before.parameters, before.weights_bytes) == (facts.parameters, facts.weights_bytes)
    model = AutoModelForCausalLM.from_pretrained(llama)
    assert facts.parameters == sum(p.numel() for p in model.parameters())
    assert (facts.device, facts.dtype, facts.context_window) == ("cpu", "float32", 128)
    assert set(facts.digests) == {"weights", "config", "tokenizer", "chat_template"}
    assert facts.weights_bytes == 4 * facts.parameters
    assert facts.kv_bytes_per_token == 2 * 2 * 2 * 8 * 4, "keys and values, 2 layers, 2 kv heads of 8, 4 bytes"
    half = engine(llama, dtype="bfloat16").facts()
    assert half.kv_bytes_per_token == 128
    assert half.weights_bytes == facts.weights_bytes / 2
    running.close()
    running.close()

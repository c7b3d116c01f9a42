"""The local engine: what it shares, how it steps down, what it does when memory is short; never another answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from engines.asking import CHOICES, PROMPTS, ask
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from harness import plugins
from harness.datatypes import Completion, Likelihood, LikelihoodRequest, Refusal, Reply, Request, Sampling, TextPrompt
from harness.engines.base import Engine, ModelSpec
from harness.engines.hf import half_weights, linear
from harness.engines.hf.checkpoint_engine import CheckpointEngine
from harness.engines.hf.half_weights import PATIENCE, Halving
from harness.engines.hf.joined import Product
from harness.engines.hf.tiny_model import tiny_config, tiny_model
from harness.engines.hf.token_jobs import Generated, GenerateJob
from harness.engines.local import padded
from harness.engines.local.kv_cache import LEAST_LISTED, LayerKVCache
from harness.engines.local.masks import AttentionMask, BatchTensors
from harness.engines.local.packed_batch import PackedBatch
from harness.engines.local.padded_batch import PaddedBatch, PaddedModel
from harness.engines.local.runner import Runner
from harness.errors import EngineError

# Longer than the tiny models' windows, and than the least that is shared
SHOTS = "Question: what is 3 + 4? Answer: 7\nThe quick brown fox jumps over the lazy dog.\n" * 3
Build = Callable[..., Engine]
TRANSFORMERS = tuple(int(part) for part in transformers.__version__.split(".")[:2])


@pytest.fixture
def build() -> Iterator[Build]:
    """Build engines by name, and close them."""
    made: list[Engine] = []

    def make(folder: Path, name: str = "local", **options: Any) -> Engine:
        spec = ModelSpec(str(folder), device="cpu", dtype="float32")
        made.append(plugins.load("engine", name).build(spec, options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: PreTrainedTokenizerFast) -> Callable[..., Path]:
    """Save a tiny model of a model type, with some settings changed."""

    def make(kind: str, **settings: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        config = tiny_config(kind, vocab_size=len(tiny_tokenizer))
        for name, value in settings.items():
            setattr(config, name, value)
        tiny_model(config, seed=3).save_pretrained(folder)
        tiny_tokenizer.save_pretrained(folder)
        return folder

    return make


def mix() -> list[Request]:
    """Generation with shared shots, without, and twice the same; likelihoods with the same shots and with none."""
    requested: list[Request] = [ask(f"few-{n}", f"{SHOTS}{text}", max_tokens=6 + n) for n, text in enumerate(PROMPTS)]
    requested += [ask(f"zero-{n}", text, max_tokens=12 - n) for n, text in enumerate(PROMPTS)]
    requested += [ask("again", f"{SHOTS}{PROMPTS[0]}", max_tokens=9)]
    requested += [
        LikelihoodRequest("shots", "t", "s", 0, TextPrompt(f"{SHOTS}Answer:"), CHOICES),
        LikelihoodRequest("bare", "t", "b", 0, TextPrompt("Answer:"), CHOICES),
        LikelihoodRequest("letters", "t", "l", 0, TextPrompt(f"{SHOTS}Answer:"), (" 7", " 3", " 4")),
    ]
    return requested


def replies(engine: Engine, requests: Sequence[Request]) -> dict[str, Reply]:
    found = {reply.key: reply for reply in engine.stream(requests)}
    assert {*found} == {request.key for request in requests}
    return found


def agree(found: dict[str, Reply], wanted: dict[str, Reply]) -> None:
    for key, right in wanted.items():
        reply = found[key]
        if isinstance(right, Completion):
            assert isinstance(reply, Completion), reply
            assert (reply.text, reply.finish, reply.output_tokens) == (right.text, right.finish, right.output_tokens)
        else:
            assert isinstance(right, Likelihood) and isinstance(reply, Likelihood)
            for a, b in zip(reply.continuations, right.continuations, strict=True):
                assert a.logprob == pytest.approx(b.logprob, abs=1e-4, rel=1e-5)
                assert (a.tokens, a.greedy) == (b.tokens, b.greedy)


def level(engine: Engine) -> str:
    return str(engine.facts().generation["level"])


FAMILIES = {
    "packed": (
        "llama qwen2 qwen3 gemma2 gemma3_text mistral phi3 olmo2 smollm3 gpt2 gpt_neox opt mixtral qwen3_moe "
        "deepseek_v2 deepseek_v3 gpt_oss cohere2 granite stablelm"
    ),
    "padded": "falcon gpt_neo bloom mpt bamba deepseek_v4",
    "plain": "mamba jamba",
    "alone": "rwkv llama4_text",
}
# A class comes up when transformers gives it the attention interface
FAMILIES["packed" if TRANSFORMERS >= (5, 24) else "padded"] += " gptj"


@pytest.mark.parametrize(
    ("kind", "wanted"), [(kind, level) for level, kinds in FAMILIES.items() for kind in kinds.split()]
)
def test_a_family_runs_at_its_level_and_answers_as_the_reference_does(
    kind: str, wanted: str, tiny: Callable[..., Path], build: Build
) -> None:
    folder = tiny(kind)
    engine = build(folder)
    found = replies(engine, mix())
    # One request at a time: batches of some of these classes are not to be trusted
    agree(found, replies(build(folder, "reference", batch_size=1), mix()))
    assert level(engine) == wanted, engine.facts().notes
    not_used = [note for note in engine.facts().notes if "mode is not used: " in note]
    assert len(not_used) == ["packed", "padded", "plain", "alone"].index(wanted), "each with its reason"
    assert len({reply.text for reply in found.values() if isinstance(reply, Completion)}) > 4


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 2}, {"step_tokens": 16}, {"speculation": False}, {"level": "padded"}, {"level": "plain"}],
)
def test_no_option_of_pace_changes_an_answer(options: dict[str, Any], llama: Path, build: Build) -> None:
    agree(replies(build(llama, **options), mix()), replies(build(llama), mix()))


def test_guesses_that_are_wrongly_read_are_found_out(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that only a guess meets: the self-check reads guesses as well, and another level answers."""
    usual = BatchTensors.__init__

    def shifted(tensors: BatchTensors, batch: PackedBatch, device: torch.device) -> None:
        usual(tensors, batch, device)
        for chunk in batch.chunks:
            if chunk.slot is not None and chunk.past:
                tensors.positions[0, chunk.first : chunk.first + chunk.count] += 1

    monkeypatch.setattr(BatchTensors, "__init__", shifted)
    engine = build(llama)
    agree(replies(engine, mix()), replies(build(llama, "reference"), mix()))
    assert level(engine) == "padded"


def test_the_brief_check_of_the_model_itself_meets_a_stored_prefix_and_slots_enough_for_lists(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, steps = Runner.run, dict[Runner, list[PackedBatch]]()

    def seen(self: Runner, step: PackedBatch, *rest: Any) -> Any:
        steps.setdefault(self, []).append(step)
        return real(self, step, *rest)

    monkeypatch.setattr(Runner, "run", seen)
    build(llama, self_check="always").load()
    _, brief = steps.values()  # the tiny model's, and the model's own
    assert any(step.shared and step.decode >= LEAST_LISTED for step in brief)


def test_the_order_of_the_stream_and_what_else_stands_in_it_change_no_text(llama: Path, build: Build) -> None:
    # Settings of all kinds, some of which sort the tokens to draw one and some not
    kinds: list[dict[str, Any]] = [{}, {"top_p": 0.9}, {"top_k": 20}, {"top_p": 0.8, "top_k": 30}, {"temperature": 2.0}]
    warm = {"temperature": 0.9, "seed": 4, "max_tokens": 12}
    sampled: list[Request] = [ask(f"s{n}", f"{SHOTS}The", **{**warm, **kind}) for n, kind in enumerate(kinds)]
    # Repeats of one question, as for pass@k
    sampled += [ask(f"r{n}", f"{SHOTS}A", **warm) for n in range(4)]
    engine = build(llama)
    together = replies(engine, [*mix(), *sampled])
    backwards = replies(build(llama, batch_size=3), [*reversed(sampled), *reversed(mix())])
    alone = {request.key: replies(engine, [request])[request.key] for request in sampled}
    texts = {key: reply.text for key, reply in alone.items() if isinstance(reply, Completion)}
    assert len({*texts.values()}) == len(sampled)
    for one in (together, backwards):
        assert {key: getattr(one[key], "text", None) for key in texts} == texts


def test_what_is_shared_is_computed_once_and_told(llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: list[int] = []
    real = Runner.run
    monkeypatch.setattr(Runner, "run", lambda self, step, *rest: (tokens.append(len(step)), real(self, step, *rest))[1])
    engine = build(llama)
    engine.load()
    tokens.clear()
    requests = [ask(str(n), f"{SHOTS}{n} foxes", max_tokens=1) for n in range(8)]
    found = replies(engine, requests)
    prompts = [reply.prompt_tokens or 0 for reply in found.values() if isinstance(reply, Completion)]
    shots = len(AutoTokenizer.from_pretrained(llama)(SHOTS)["input_ids"])
    assert sum(tokens) < sum(prompts) - 6 * shots
    cached = sorted(reply.cached_tokens for reply in found.values() if isinstance(reply, Completion))
    assert cached[0] == 0 and cached[1] >= shots - 1, "one of them paid for it"


@pytest.mark.parametrize("level", ["packed", "padded", "plain", "alone"])
@pytest.mark.parametrize("settings", [{}, {"temperature": 0.8, "top_k": 50}], ids=["greedy", "sampled"])
def test_log_probabilities_of_new_tokens_are_a_plain_forward_pass_s(
    level: str, settings: dict[str, Any], llama: Path, build: Build
) -> None:
    engine = build(llama, level=level)
    assert isinstance(engine, CheckpointEngine)
    engine.load()
    prompt = tuple(AutoTokenizer.from_pretrained(llama)(PROMPTS[1])["input_ids"])
    (reported,) = engine.answer([GenerateJob("a", prompt, 8, Sampling(8, logprobs=True, **settings), 3)])
    assert isinstance(reported, Generated) and reported.logprobs is not None
    model = AutoModelForCausalLM.from_pretrained(llama).eval()
    with torch.no_grad():
        logprobs = model(torch.tensor([[*prompt, *reported.ids]])).logits[0].double().log_softmax(-1)
    # The model's own, before temperature and filters
    wanted = [float(logprobs[len(prompt) - 1 + at, token]) for at, token in enumerate(reported.ids)]
    assert len(reported.ids) > 1 and reported.logprobs == pytest.approx(wanted, abs=1e-4)


def test_log_probabilities_come_only_where_they_are_asked_for(llama: Path, build: Build) -> None:
    found = replies(build(llama), [ask("reported", PROMPTS[1], logprobs=True), ask("not", PROMPTS[1])])
    reported, unreported = found["reported"], found["not"]
    assert isinstance(reported, Completion) and isinstance(unreported, Completion)
    assert reported.token_logprobs is not None and len(reported.token_logprobs) == reported.output_tokens
    assert unreported.token_logprobs is None


def test_likelihoods_come_with_their_parts(llama: Path, build: Build) -> None:
    reply = replies(build(llama), mix())["shots"]
    assert isinstance(reply, Likelihood)
    for one in reply.continuations:
        assert one.token_logprobs is not None and len(one.token_logprobs) == one.tokens
        assert sum(one.token_logprobs) == pytest.approx(one.logprob)


@pytest.mark.parametrize("settings", [{}, {"step_tokens": 16}])
def test_memory_that_runs_out_costs_rows_and_no_answer(
    settings: dict[str, Any], llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = replies(build(llama), mix())
    engine = build(llama, **settings)
    engine.load()
    real, refused = Runner.run, []

    def small_card(self: Runner, step: Any, *rest: Any) -> Any:
        if step.decode > 3 or len(step) > 120:
            refused.append(len(step))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, step, *rest)

    monkeypatch.setattr(Runner, "run", small_card)
    agree(replies(engine, mix()), wanted)
    assert refused


def test_what_does_not_fit_alone_is_refused_and_the_rest_is_answered(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(llama)
    engine.load()
    real = Runner.run

    def no_long_ones(self: Runner, step: Any, *rest: Any) -> Any:
        if max(step.positions) > 40:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return real(self, step, *rest)

    monkeypatch.setattr(Runner, "run", no_long_ones)
    found = replies(engine, mix())
    lost = {key for key, reply in found.items() if isinstance(reply, Refusal)}
    assert lost == {"few-0", "few-1", "few-2", "few-3", "few-4", "again", "shots", "letters"}
    assert all(found[key].failure.kind == "memory" and found[key].failure.ours for key in lost)  # type: ignore[union-attr]


def test_a_fast_path_that_forgets_the_window_is_found_out(
    tiny: Callable[..., Path], build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny("mistral")
    wanted = replies(build(folder), mix())
    monkeypatch.setattr(
        AttentionMask, "_visible", lambda self, queries, keys: torch.ones_like(queries + keys, dtype=torch.bool)
    )
    engine = build(folder)
    found = replies(engine, mix())
    monkeypatch.undo()
    assert level(engine) == "padded"
    assert any("packed mode is not used: its log-probabilities differ" in note for note in engine.facts().notes)
    agree(found, wanted)


def test_a_fast_path_with_wrong_positions_is_found_out(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Runner._forward

    def shifted(self: Runner, step: Any) -> torch.Tensor:
        # One alone would be no error for rotary positions, which are relative
        moved = [place + (place > 8) for place in step.positions]
        return real(self, replace(step, positions=moved))

    monkeypatch.setattr(Runner, "_forward", shifted)
    engine = build(llama)
    engine.load()
    assert level(engine) == "padded"


def test_rows_that_would_turn_all_positions_otherwise_run_by_themselves(
    tiny: Callable[..., Path], build: Build
) -> None:
    factors = {"short_factor": [1.0] * 4, "long_factor": [3.0 + at for at in range(4)]}
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 40, **factors}
    rope["partial_rotary_factor"] = 1.0
    folder = tiny("phi3", rope_parameters=rope, original_max_position_embeddings=40)
    engine = build(folder)
    found = replies(engine, mix())
    assert level(engine) == "packed"
    agree(found, replies(build(folder, "reference", batch_size=1), mix()))


@pytest.mark.parametrize("name", ["reference", "local"])
def test_a_long_row_leaves_no_trace_in_those_after_it(tiny: Callable[..., Path], build: Build, name: str) -> None:
    """Dynamic rotary scaling remembers the longest row in the model itself."""
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 8.0}
    folder = tiny("llama", max_position_embeddings=40, rope_parameters=rope)
    requests = [ask(str(n), (SHOTS * 2)[: 40 * n], max_tokens=8) for n in (2, 5, 3, 4, 1)]
    engine = build(folder, name, context_window=400)
    together = {key: getattr(reply, "text", None) for key, reply in replies(engine, requests).items()}
    for request in requests:
        fresh = build(folder, name, context_window=400)
        assert getattr(replies(fresh, [request])[request.key], "text", None) == together[request.key]


def count_of_moved(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """The shapes of the weights that are used in 16 bits from now on, beyond the trial of their products."""
    moved: list[torch.Size] = []
    real = half_weights.scaled_product

    def watched(weight: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None) -> Product | None:
        product, shape, uses = real(weight, scales, bias), weight.shape, itertools.count()

        def counted(rows: torch.Tensor) -> torch.Tensor:
            if next(uses) == len(half_weights.TRIAL_ROWS):
                moved.append(shape)
            assert product is not None
            return product(rows)

        return product and counted

    monkeypatch.setattr(half_weights, "scaled_product", watched)
    return moved


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "apart"])
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_packed_linear_layers_compute_the_same(
    kind: str, tied: bool, stored: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linear._has_onednn():
        pytest.skip("this torch has no oneDNN")
    # Whether it is faster here is for the engine to find out
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    monkeypatch.setattr(linear, "_joining_gains", lambda layers, product: True)
    monkeypatch.setattr(linear, "_halving_gains", lambda layer: True)
    moved = count_of_moved(monkeypatch)
    config = tiny_config(kind, vocab_size=400)
    for name, value in {"hidden_size": 128, "n_embd": 128, "intermediate_size": 256}.items():
        if hasattr(config, name):
            setattr(config, name, value)
    config.tie_word_embeddings = tied
    model = tiny_model(config, seed=0).eval().to(stored).float()
    ids = torch.arange(30)[None]
    with torch.no_grad():
        before, embedded = model(ids).logits, model.get_input_embeddings()(ids)
        layers = linear.pack_linears(model, "cpu", halving=Halving(active=True))
        assert layers > 4
        after = model(ids).logits
        assert float((after - before).abs().max() / before.abs().max()) < 1e-5
        again = model(ids).logits
        assert torch.equal(again, after), "what joined layers keep belongs to one input"
        for _ in range(PATIENCE):
            assert float((model(ids).logits - before).abs().max() / before.abs().max()) < 1e-5
        # Joined layers move as one
        assert (layers // 3 <= len(moved) <= layers) if stored != torch.float32 else not moved
        assert torch.equal(model.get_input_embeddings()(ids), embedded), "a tied embedding keeps its numbers"
    assert model.get_input_embeddings().weight.device.type == "cpu"


def test_a_checkpoint_in_bfloat16_answers_in_float32_from_weights_in_16_bits(
    tiny: Callable[..., Path], build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linear._has_onednn():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    monkeypatch.setattr(linear, "_halving_gains", lambda layer: True)
    moved = count_of_moved(monkeypatch)
    folder = tiny("llama", hidden_size=128, intermediate_size=256)
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    requests = [*mix(), ask("long", PROMPTS[4], max_tokens=2 * PATIENCE)]
    engine = build(folder)
    engine.load()
    assert not moved, "the check is of what every start computes"
    found = replies(engine, requests)
    assert moved and any("in float16, where that holds them exactly" in note for note in engine.facts().notes)
    agree(found, replies(build(folder, "reference", batch_size=1), requests))


def test_a_batch_that_cannot_be_joined_starts_again_without_a_token_too_many(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [ask("long", PROMPTS[4], max_tokens=20)]
    requests += [ask(f"one-{n}", f"{n} foxes", max_tokens=1) for n in range(9)]
    wanted = replies(build(llama, level="padded"), requests)
    real, failed = PaddedBatch.join, []

    def no_room_once(self: PaddedBatch, other: PaddedBatch) -> None:
        if not failed:
            failed.append(len(other.sequences))
            raise torch.OutOfMemoryError("CUDA out of memory")
        real(self, other)

    monkeypatch.setattr(PaddedBatch, "join", no_room_once)
    agree(replies(build(llama, level="padded", batch_size=4), requests), wanted)
    assert failed


def test_memory_that_runs_out_after_a_join_gives_each_request_one_answer(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [ask("long", PROMPTS[4], max_tokens=20)]
    requests += [ask(f"one-{n}", f"{n} foxes", max_tokens=1 + n) for n in range(8)]
    wanted = replies(build(llama, level="padded"), requests)
    # One request is left for the join, and the batch after it has room for it twice
    engine = build(llama, level="padded", batch_size=8)
    engine.load()
    join, sample, failed = PaddedBatch.join, padded.sample_all, list[int]()
    joined: list[PaddedBatch] = []

    def joins(self: PaddedBatch, other: PaddedBatch) -> None:
        join(self, other)
        joined.append(self)

    def no_room_once(*given: Any) -> None:
        if joined and not failed:
            failed.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory")
        sample(*given)

    monkeypatch.setattr(PaddedBatch, "join", joins)
    monkeypatch.setattr(padded, "sample_all", no_room_once)
    agree(replies(engine, requests), wanted)
    assert failed


def test_a_shared_start_that_does_not_fit_is_read_by_each_for_itself(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = replies(build(llama), mix())
    engine = build(llama, level="padded")
    engine.load()

    def no_room(self: PaddedModel, prefix: Any, ids: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(PaddedModel, "extend", no_room)
    agree(replies(engine, mix()), wanted)


def test_a_second_stream_is_refused_while_one_is_open(llama: Path, build: Build) -> None:
    engine = build(llama)
    first = engine.stream(mix())
    next(first)
    with pytest.raises(EngineError, match="another stream"):
        next(engine.stream(mix()))
    first.close()  # type: ignore[attr-defined]
    agree(replies(engine, mix()), replies(build(llama), mix()))


def test_the_cache_stays_within_the_memory_that_the_user_gives_it(
    llama: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long row that has left must not decide how much each of many short ones takes."""
    taken: list[int] = []
    real = LayerKVCache.write

    def weighed(self: LayerKVCache, *rest: Any) -> None:
        real(self, *rest)
        taken.append(sum(one.numel() * one.element_size() for one in self.slots or ()))

    monkeypatch.setattr(LayerKVCache, "write", weighed)
    requests = [ask("long", "fox " * 100, max_tokens=2), *(ask(f"{n}", f"{n} dog", max_tokens=12) for n in range(120))]
    engine = build(llama, max_memory=0.0004)
    engine.load()
    taken.clear()
    replies(engine, requests)
    layers = engine.facts().kv_bytes_per_token // (2 * 2 * 8 * 4)  # type: ignore[operator]
    assert layers == 2 and max(taken) * layers <= 400_000

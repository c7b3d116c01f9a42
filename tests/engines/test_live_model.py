"""A model object in a training loop: the same answers as from its saved folder, and nothing of it is changed."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from files import REPO, write_jsonl
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging

import harness
from harness.engines.hf.checkpoint_engine import CheckpointEngine
from harness.engines.hf.live_model import adapters_of, tensors_digest
from harness.errors import ConfigError, EngineError, ModelError

STEPS, EVERY = 20, 10


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A task that generates and one that scores options; runs go below the test's own folder."""
    monkeypatch.chdir(tmp_path)
    rows = [{"q": f"what is {n} + 4?", "a": str(n + 4)} for n in range(3)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    common: dict[str, Any] = {
        "version": 1,
        "about": "Sums.",
        "source": {"licence": "Apache-2.0"},
        "data": {"path": "./rows.jsonl", "split": "train", "columns": ["q", "a"]},
        "metric": ["mean"],
    }
    prompt = {"text": {"template": "Question: {{ q }} Answer:", "stop": []}}
    writes = {
        "name": "writes",
        **common,
        "reference": {"answer": ["{{ a }}"]},
        "prompt": prompt,
        "sampling": {"max_tokens": 12},
        "score": [{"by": "exact_match", "extract": {"by": "text"}}],
    }
    chooses = {
        "name": "chooses",
        **common,
        "reference": {"choice": {"options": ["4", "fox", "dog"], "gold": "0"}},
        "prompt": {"text": {"template": "Question: {{ q }} Answer:", "target": " {{ option }}"}},
        "ask": "loglikelihood",
        "score": [{"by": "choice"}],
    }
    found = []
    for page in (writes, chooses):
        found.append(tmp_path / f"{page['name']}.yaml")
        found[-1].write_text(json.dumps(page))
    return found


@pytest.fixture
def tokenizer(llama: Path) -> PreTrainedTokenizerFast:
    loaded: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(llama)
    return loaded


def load(folder: Path, **config: Any) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **config)


def answers(result: harness.Result) -> list[Any]:
    found = []
    for record in result.records:
        reply = record.reply
        texts = getattr(reply, "text", None)
        found.append(texts if texts is not None else [round(one.logprob, 3) for one in reply.continuations])  # type: ignore[union-attr]
    return found


def train(model: Any, evaluate: Callable[[int], object]) -> list[float]:
    """Losses of a loop that draws its batches and its dropout from torch's generator."""
    torch.manual_seed(3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    model.train()
    for step in range(1, STEPS + 1):
        ids = torch.randint(8, model.config.vocab_size, (2, 12))
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item() + random.random())
        if step % EVERY == 0:
            evaluate(step)
    return losses


def test_a_loop_that_evaluates_trains_exactly_as_one_that_does_not(
    llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path], tmp_path: Path
) -> None:
    plain, watched = load(llama, attention_dropout=0.1), load(llama, attention_dropout=0.1)
    random.seed(5)
    wanted = train(plain, lambda step: None)
    runs: dict[int, harness.Result] = {}

    def evaluate(step: int) -> None:
        runs[step] = harness.evaluate(model=watched, tokenizer=tokenizer, tasks=pages, name="mine")
        watched.save_pretrained(tmp_path / str(step))

    random.seed(5)
    assert train(watched, evaluate) == wanted
    for (name, a), b in zip(plain.state_dict().items(), watched.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert len({run.folder for run in runs.values()}) == len(runs), "each step is a model of its own"
    for step, run in runs.items():
        folder = tmp_path / str(step)
        tokenizer.save_pretrained(folder)
        saved = harness.evaluate(model=folder, tasks=pages, dtype="float32")
        assert answers(run) == answers(saved)
        for part in ("config", "tokenizer", "chat_template"):
            assert run.manifest.engine["digests"][part] == saved.manifest.engine["digests"][part]
    again = harness.evaluate(model=watched, tokenizer=tokenizer, tasks=pages, name="mine")
    assert (again.folder, again.requested) == (runs[STEPS].folder, 0), "the same weights resume the same run"


def state_of(model: Any) -> dict[str, Any]:
    """What a user can see of a model and of the process."""
    modules = dict(model.named_modules())
    return {
        "training": {name: module.training for name, module in modules.items()},
        "own": {name: sorted(vars(module)) for name, module in modules.items()},
        "forward": [vars(module).get("forward") for module in modules.values()],
        "hooks": [list(module._forward_hooks) for module in modules.values()],
        "attention": model.config._attn_implementation,
        "config": copy.deepcopy(model.config.to_dict()),
        "generation": model.generation_config.to_dict(),
        "gradients": [None if one.grad is None else one.grad.sum().item() for one in model.parameters()],
        "requires_grad": [one.requires_grad for one in model.parameters()],
        "places": [one.data_ptr() for one in model.parameters()],
        "weights": tensors_digest(model),
        "random": (torch.get_rng_state().tolist(), random.getstate()),
        "threads": torch.get_num_threads(),
        "log": (logging.get_verbosity(), logging.is_progress_bar_enabled()),
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize("ends", ["well", "interrupted", "in an error"])
def test_model_and_process_are_as_they_were(
    ends: str, llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKENIZERS_PARALLELISM", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.delenv(name, raising=False)
    model = load(llama).train()
    model.model.layers[0].eval()
    model.model.embed_tokens.weight.requires_grad_(False)
    model.generation_config.top_k = 7
    model.lm_head.register_forward_hook(lambda *_: None)
    ids = torch.tensor([[5, 6, 7]])
    model(input_ids=ids, labels=ids).loss.backward()
    torch.set_num_threads(2)
    before = state_of(model)
    if ends != "well":
        wrong = KeyboardInterrupt if ends == "interrupted" else EngineError("no")

        def fail(*_: Any) -> Iterator[Any]:
            raise wrong

        monkeypatch.setattr(CheckpointEngine, "_stream", fail)
        with pytest.raises((KeyboardInterrupt, EngineError)):
            harness.evaluate(model=model, tokenizer=tokenizer, tasks=pages[:1])
    else:
        harness.evaluate(model=model, tokenizer=tokenizer, tasks=pages[:1])
    after = state_of(model)
    torch.set_num_threads(1)
    for what, value in before.items():
        assert after[what] == value, what


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.enable_grad])
def test_no_tensor_of_inference_stays_in_a_model_that_goes_on_training(
    mode: Any, make_model: Callable[..., Path], tokenizer: PreTrainedTokenizerFast, pages: list[Path]
) -> None:
    # Its rotary frequencies are computed anew for each length
    scaled = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    model = load(make_model("llama", rope_parameters=scaled, max_position_embeddings=16))
    with mode():
        harness.evaluate(model=model, tokenizer=tokenizer, tasks=pages[:1])
    assert not [name for name, buffer in model.named_buffers() if buffer.is_inference()]
    ids = torch.arange(8, 18)[None]
    model(input_ids=ids, labels=ids).loss.backward()


@pytest.mark.slow
def test_wrappers_are_taken_off_and_adapters_count(
    llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path], tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft")
    model = load(llama)
    wanted = harness.evaluate(model=model, tokenizer=tokenizer, tasks=pages, name="plain")
    for wrapped in (torch.compile(model), torch.nn.DataParallel(model)):
        again = harness.evaluate(model=wrapped, tokenizer=tokenizer, tasks=pages, name="plain")
        assert (again.folder, again.requested) == (wanted.folder, 0)
    torch.manual_seed(1)
    settings = peft.LoraConfig(r=4, init_lora_weights=False, lora_dropout=0.5, target_modules=["q_proj", "v_proj"])
    adapted = peft.get_peft_model(model, settings)
    weaker = harness.evaluate(model=adapted, tokenizer=tokenizer, tasks=pages, name="lora")
    with_adapter = answers(weaker)
    for module in adapted.modules():
        if isinstance(getattr(module, "scaling", None), dict):
            module.scaling["default"] *= 2
    stronger = harness.evaluate(model=adapted, tokenizer=tokenizer, tasks=pages, name="lora")
    assert stronger.folder != weaker.folder, "another strength is another model"
    for module in adapted.modules():
        if isinstance(getattr(module, "scaling", None), dict):
            module.scaling["default"] /= 2
    adapted.merge_and_unload().save_pretrained(tmp_path / "merged")
    tokenizer.save_pretrained(tmp_path / "merged")
    merged = harness.evaluate(model=tmp_path / "merged", tasks=pages, dtype="float32")
    assert with_adapter == answers(merged) != answers(wanted)


@pytest.mark.slow
def test_mixed_precision_around_the_model_is_left_out(
    llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path]
) -> None:
    accelerate = pytest.importorskip("accelerate")
    wanted = harness.evaluate(model=load(llama), tokenizer=tokenizer, tasks=pages[1:], out="plain")
    prepared = accelerate.Accelerator(cpu=True, mixed_precision="bf16").prepare(load(llama))
    forward = prepared.forward
    with torch.autocast("cpu", torch.bfloat16):
        found = harness.evaluate(model=prepared, tokenizer=tokenizer, tasks=pages[1:], out="mixed")
    assert answers(found) == answers(wanted)
    assert prepared.forward is forward


def test_what_cannot_be_is_refused(llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path]) -> None:
    model = load(llama)
    given = {"model": model, "tokenizer": tokenizer}
    meta = copy.deepcopy(model).to("meta")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"model": model}, "needs its tokenizer"),
        ({"model": torch.nn.Linear(2, 2), "tokenizer": tokenizer}, "found Linear"),
        ({"model": model.model, "tokenizer": tokenizer}, "not a causal language model"),
        ({"model": meta, "tokenizer": tokenizer}, "not in memory"),
        ({"model": copy.deepcopy(model).to(torch.float64), "tokenizer": tokenizer}, "float64"),
        ({**given, "device": "cpu"}, "device cannot be set"),
        ({**given, "device": "cpu,cpu"}, "device cannot be set"),
        ({**given, "adapter": str(llama)}, "adapter cannot be set"),
        ({**given, "quantize": "int8"}, "quantize cannot be set"),
        ({**given, "replicas": 2}, "replicas cannot be set"),
        ({**given, "ray": "local"}, "ray cannot be set"),
        ({**given, "gpus_per_replica": 0.5}, "gpus_per_replica cannot be set"),
        ({**given, "settings": {"engine.cpus_per_replica": 1}}, "cpus_per_replica cannot be set"),
        ({**given, "engine": "scripted"}, "takes no model object"),
        ({"model": str(llama), "name": "x"}, "name goes with a model object"),
    ]
    for words, said in cases:
        with pytest.raises(ConfigError, match=said):
            harness.evaluate(tasks=pages, **words)
    with torch.no_grad():
        model.lm_head.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match="diverged"):
        harness.evaluate(tasks=pages, **given)


def test_weights_that_change_meanwhile_are_an_error(
    llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(llama)
    stream = CheckpointEngine._stream

    def trained(*words: Any) -> Iterator[Any]:
        with torch.no_grad():
            model.lm_head.weight += 1
        yield from stream(*words)

    monkeypatch.setattr(CheckpointEngine, "_stream", trained)
    with pytest.raises(EngineError, match="changed while it was evaluated"):
        harness.evaluate(model=model, tokenizer=tokenizer, tasks=pages[:1])


@pytest.mark.slow
def test_the_callback_of_the_docs(
    llama: Path, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (REPO / "docs/running.md").read_text(encoding="utf-8")
    code = page.partition("## In a training loop")[2].partition("```python\n")[2].partition("```")[0]
    rows = [{"input_ids": list(range(8, 20)), "labels": list(range(8, 20))}] * 8
    known: dict[str, Any] = {"model": load(llama), "tokenizer": tokenizer, "dataset": rows}
    monkeypatch.setenv("WANDB_MODE", "disabled")
    exec(code, known)
    assert len(list((tmp_path / "runs").iterdir())) == 2


def kinds_of_adapters() -> dict[str, Any]:
    peft = pytest.importorskip("peft")
    values = {"target_modules": ["v_proj"]}
    return {
        "LoRA": peft.LoraConfig(**values),
        "IA3": peft.IA3Config(target_modules=["v_proj"], feedforward_modules=[]),
        "HRA": peft.HRAConfig(r=2, **values),
        "OFT": peft.OFTConfig(r=0, oft_block_size=4, **values),
        "VeRA": peft.VeraConfig(r=4, **values),
        "trainable tokens": peft.TrainableTokensConfig(token_indices=[3, 4], target_modules=["embed_tokens"]),
        "whole modules": peft.LoraConfig(modules_to_save=["lm_head"], **values),
    }


@pytest.mark.parametrize("kind", ["LoRA", "IA3", "HRA", "OFT", "VeRA", "trainable tokens", "whole modules"])
def test_switching_an_adapter_of_any_kind_makes_another_model(llama: Path, kind: str) -> None:
    peft = pytest.importorskip("peft")
    settings = kinds_of_adapters()[kind]
    adapted = peft.get_peft_model(load(llama), settings)
    adapted.add_adapter("second", copy.deepcopy(settings))
    inner = adapted.get_base_model()
    states = [adapters_of(inner)]
    with adapted.disable_adapter():
        states.append(adapters_of(inner))
    assert adapters_of(inner) == states[0]
    adapted.set_adapter("second")
    states.append(adapters_of(inner))
    assert len({json.dumps(state) for state in states}) == len(states)
    assert not adapters_of(load(llama))


def test_answers_with_an_adapter_are_not_those_without(
    llama: Path, tokenizer: PreTrainedTokenizerFast, pages: list[Path]
) -> None:
    peft = pytest.importorskip("peft")
    settings = peft.IA3Config(target_modules=["v_proj"], feedforward_modules=[], init_ia3_weights=False)
    adapted = peft.get_peft_model(load(llama), settings)

    def run() -> harness.Result:
        return harness.evaluate(model=adapted, tokenizer=tokenizer, tasks=pages[1:], name="mine")

    switched_on = run()
    with adapted.disable_adapter():
        switched_off = run()
    plain = harness.evaluate(model=load(llama), tokenizer=tokenizer, tasks=pages[1:], name="plain")
    assert answers(switched_off) == answers(plain) != answers(switched_on)

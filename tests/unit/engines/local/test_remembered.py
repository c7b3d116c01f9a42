"""The outcome of the self-check: remembered for exactly the same model and machine, and for nothing else."""

from __future__ import annotations

import functools
import importlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
import torch
from transformers import modeling_utils

from harness.datatypes import GenerateRequest, Sampling, TextPrompt
from harness.engines.base import ModelSpec
from harness.engines.local import build, modes, remembered
from harness.engines.local.engine import LocalEngine
from harness.engines.local.remembered import CheckOutcome, one_at_a_time, outcome_key, read_outcome, write_outcome
from harness.errors import EngineError

MODEL = str(Path(__file__).parents[4] / "harness" / "demo" / "models" / "demo-smaller")
OUTCOME = CheckOutcome("padded", ("packed mode is not used: a reason",), {"packed": True}, 4, 1e9)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    return tmp_path / "self_checks"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each time that modes are really compared."""
    done: list[str] = []
    real = modes.choose_mode

    def counted(*args: Any) -> Any:
        done.append("checked")
        return real(*args)

    monkeypatch.setattr(modes, "choose_mode", counted)
    return done


def started(**options: Any) -> LocalEngine:
    engine = build(ModelSpec(MODEL, device="cpu", style="text"), options)
    engine.load()
    return engine


def said(engine: LocalEngine) -> str:
    return str(engine.facts().generation["self_check"])


def texts(engine: LocalEngine) -> list[str]:
    requests = [GenerateRequest(str(i), "task", str(i), 0, TextPrompt(f"1, 2, {i}"), Sampling(8)) for i in range(3)]
    return [getattr(reply, "text", "") for reply in sorted(engine.stream(requests), key=lambda reply: reply.key)]


def test_a_second_start_of_the_same_model_checks_nothing_and_answers_the_same(cache: Path, checks: list[str]) -> None:
    first = started()
    second = started()
    assert (said(first), len(checks)) == ("ran at this start", 1)
    assert said(second).startswith("remembered from 20") and said(second).endswith(" UTC")
    for name in ("level", "threads"):
        assert first.facts().generation[name] == second.facts().generation[name]
    assert first.facts().notes == second.facts().notes
    assert first.facts().kv_bytes_per_token == second.facts().kv_bytes_per_token
    assert texts(first) == texts(second)


def test_replaced_layers_are_compared_with_those_before(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(model: Any, trials: dict[str, bool]) -> tuple[dict[str, bool], int]:
        layer = model.model.get_output_embeddings()
        usual = layer.forward
        layer.forward = lambda x: usual(x) * 1.5
        trials["packed"] = certain
        return trials, 0

    certain = True
    monkeypatch.setattr("harness.engines.local.engine._made_faster", damaged)
    with pytest.raises(EngineError, match="layers laid out for this processor its log-probabilities differ"):
        started()
    certain = False
    notes = started().facts().notes
    for level in ("packed", "padded", "plain"):
        assert any(note.startswith(f"{level} mode is not used: its log-probabilities differ") for note in notes)


@pytest.mark.slow
def test_it_is_checked_again_on_request_and_with_other_options(cache: Path, checks: list[str]) -> None:
    started()
    for options in ({"self_check": "always"}, {"threads": 2}):
        assert said(started(**options)) == "ran at this start", options
    assert len(checks) == 3 and not list(cache.glob("*.lock"))


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"mode": "packed"}',
        '{"mode": "fast", "notes": [], "trials": {}, "packed": 0, "checked_at": 1.0}',
        '{"mode": "packed", "notes": [], "trials": {"packed": 1}, "packed": 0, "checked_at": 1.0}',
    ],
)
def test_a_damaged_file_is_no_outcome(cache: Path, damage: str) -> None:
    write_outcome("key", OUTCOME)
    assert read_outcome("key") == OUTCOME
    (cache / "key.json").write_text(damage)
    assert read_outcome("key") is None


def test_a_remembered_mode_is_used_with_its_reasons(cache: Path) -> None:
    engine = started()
    (file,) = cache.glob("*.json")
    found = read_outcome(file.stem)
    assert found is not None
    write_outcome(file.stem, replace(found, mode="padded", notes=OUTCOME.notes))
    again = started()
    assert again.facts().generation["level"] == "padded" and OUTCOME.notes[0] in again.facts().notes
    assert texts(engine) == texts(again)
    # How layers are computed is a part of what was checked
    write_outcome(file.stem, replace(found, packed=found.packed + 1))
    assert said(started()) == "ran at this start"


@pytest.mark.parametrize("change", ["mode", "packed"])
def test_where_what_is_remembered_cannot_be_used_layers_are_packed_once(
    cache: Path, checks: list[str], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The weights of packed layers are not there any more: to pack them again would find none to pack."""
    from harness.engines.hf import linear

    # Whether packing gains anything differs between machines
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    first = started()
    (file,) = cache.glob("*.json")
    found = read_outcome(file.stem)
    assert found is not None and found.packed > 0 and len(checks) == 1
    if change == "packed":
        write_outcome(file.stem, replace(found, packed=found.packed + 1))
    else:
        monkeypatch.setattr(modes, "remembered_mode", lambda *args: None)
    again = started()
    assert (said(again), len(checks)) == ("ran at this start", 2)
    assert again.facts().notes == first.facts().notes
    outcome = read_outcome(file.stem)
    assert outcome is not None and replace(outcome, checked_at=found.checked_at) == found
    assert texts(again) == texts(first)


@pytest.fixture
def loaded() -> Iterator[tuple[Any, Any]]:
    from harness.engines.hf.loading import load_model

    engine = build(ModelSpec(MODEL, device="cpu"), {})
    model, _ = load_model(engine.checkpoint, engine.encoder, engine.end_ids, "cpu", "float32")
    yield model, engine.facts()


def test_another_model_precision_version_or_machine_is_another_state(
    loaded: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, facts = loaded
    keys = [outcome_key(model, facts, {})]
    assert keys[0] is not None and outcome_key(model, facts, {}) == keys[0]
    keys.append(outcome_key(model, replace(facts, digests={**facts.digests, "weights": "0"}), {}))
    keys.append(outcome_key(model, replace(facts, digests={**facts.digests, "config": "0"}), {}))
    monkeypatch.setattr(remembered, "package_versions", lambda: {"torch": "1.0"})
    keys.append(outcome_key(model, facts, {}))
    monkeypatch.undo()
    monkeypatch.setattr(remembered, "machine", lambda: {"processor": "another"})
    keys.append(outcome_key(model, facts, {}))
    monkeypatch.undo()
    monkeypatch.setattr(remembered, "_code_digest", lambda: "another")
    keys.append(outcome_key(model, facts, {}))
    monkeypatch.undo()
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    keys.append(outcome_key(model, facts, {}))
    monkeypatch.undo()
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    keys.append(outcome_key(model, facts, {}))
    torch.set_num_threads(threads)
    # A merged adapter, or a step of training: the files are the same
    with torch.no_grad():
        next(model.model.parameters()).view(-1)[0] += 0.5
    keys.append(outcome_key(model, facts, {}))
    model.model.to(torch.bfloat16)
    keys.append(outcome_key(model, facts, {}))
    assert None not in keys and len(set(keys)) == len(keys)


def test_weights_without_a_digest_and_code_of_others_are_never_remembered(loaded: tuple[Any, Any]) -> None:
    model, facts = loaded
    assert outcome_key(model, replace(facts, digests={"config": "1"}), {}) is None
    own = type("Own", (type(model.model),), {"__module__": "transformers_modules.somebody.modeling"})
    model.model.__class__ = own
    assert outcome_key(model, facts, {}) is None


def test_code_that_was_replaced_in_this_process_is_another_state_and_code_of_others_is_none(
    loaded: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, facts = loaded
    usual = outcome_key(model, facts, {})
    layer = next(one for one in model.model.modules() if type(one).__name__.endswith("MLP"))
    kind, brought = type(layer), importlib.import_module(type(layer).__module__)
    real = kind.forward

    @functools.wraps(real)
    def patched(self: Any, x: Any) -> Any:
        return real(self, x) + x.mean(1, keepdim=True)

    monkeypatch.setattr(kind, "forward", patched)
    assert outcome_key(model, facts, {}) is None, "the class"
    monkeypatch.setattr(kind, "forward", FunctionType(patched.__code__, vars(brought), closure=patched.__closure__))
    assert outcome_key(model, facts, {}) not in (None, usual), "other instructions of the same file"
    monkeypatch.undo()
    monkeypatch.setattr(brought, "apply_rotary_pos_emb", lambda q, k, *rest: (q, k))
    assert outcome_key(model, facts, {}) is None, "a function that its attention calls"
    monkeypatch.undo()
    monkeypatch.setattr(layer, "forward", functools.partial(patched, layer), raising=False)
    assert outcome_key(model, facts, {}) is None, "one layer"
    monkeypatch.undo()
    monkeypatch.setattr(layer, "forward", layer.forward, raising=False)
    assert outcome_key(model, facts, {}) not in (None, usual)
    monkeypatch.undo()
    functions = modeling_utils.ALL_ATTENTION_FUNCTIONS
    monkeypatch.setitem(functions._global_mapping, model.model.config._attn_implementation, lambda *rest: rest)
    assert outcome_key(model, facts, {}) is None, "the attention"
    monkeypatch.undo()
    monkeypatch.setenv("USE_HUB_KERNELS", "NO")
    assert outcome_key(model, facts, {}) not in (None, usual)
    monkeypatch.undo()
    assert outcome_key(model, facts, {}) == usual


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checks: list[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(blocked / "below"))
    assert [said(started()), said(started())] == ["ran at this start"] * 2
    assert len(checks) == 2


def test_of_several_that_start_at_once_one_checks(cache: Path) -> None:
    checked: list[int] = []

    def start(number: int) -> None:
        with one_at_a_time("key"):
            if read_outcome("key") is None:
                time.sleep(0.05)
                checked.append(number)
                write_outcome("key", OUTCOME)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(checked) == 1 and read_outcome("key") == OUTCOME

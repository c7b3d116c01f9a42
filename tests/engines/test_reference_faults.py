"""The reference engine when memory is short or a model mishandles padding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from engines.asking import PROMPTS, answers, ask, ask_likelihood, score

from harness.datatypes import Refusal
from harness.engines import reference
from harness.engines.base import ModelSpec
from harness.engines.hf import hf_model


def engine(folder: Path, **options: Any) -> reference.ReferenceEngine:
    return reference.build(ModelSpec(str(folder), device="cpu", dtype="float32"), options)


def test_out_of_memory_halves_the_batch_and_loses_nothing(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = engine(llama, batch_size=8)
    requests = [ask(str(i), text) for i, text in enumerate(PROMPTS)]
    wanted = {key: reply.text for key, reply in answers(running, requests).items()}
    real, sizes = hf_model.HFModel.generate, []

    def small_card(self: Any, prompts: Any, *rest: Any) -> Any:
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, prompts, *rest)

    monkeypatch.setattr(hf_model.HFModel, "generate", small_card)
    assert {key: reply.text for key, reply in answers(running, requests).items()} == wanted
    assert sizes[0] == 5 and max(size for size in sizes if size <= 2) == 2


def test_a_request_that_alone_does_not_fit_is_unscored(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = engine(llama)

    def no_room(self: Any, *rest: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(hf_model.HFModel, "generate", no_room)
    (reply,) = running.stream([ask("a", "The")])
    assert isinstance(reply, Refusal)
    assert (reply.failure.kind, reply.failure.ours) == ("memory", True)


def test_a_model_that_mishandles_padding_runs_one_by_one_and_says_so(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_mask(self: Any, prompts: Sequence[Sequence[int]]) -> Any:
        ids, mask = real(self, prompts)
        return ids, torch.ones_like(mask)

    real = hf_model.HFModel._pad_left
    monkeypatch.setattr(hf_model.HFModel, "_pad_left", no_mask)
    running = engine(llama)
    running.load()
    assert any(note.startswith("batch_size is 1") for note in running.facts().notes)
    got = answers(running, [ask(str(i), text) for i, text in enumerate(PROMPTS)])
    monkeypatch.undo()
    whole = answers(engine(llama), [ask(str(i), text) for i, text in enumerate(PROMPTS)])
    assert {k: r.text for k, r in got.items()} == {k: r.text for k, r in whole.items()}


def test_a_model_that_cannot_take_padded_rows_runs_one_at_a_time(llama: Path, monkeypatch) -> None:
    """Some architectures raise on a padded batch; that costs speed, not the run."""
    from harness.engines.hf.hf_model import HFModel

    real = HFModel._probe

    def refuses_batches(self, prompts):
        if len(prompts) > 1:
            raise RuntimeError("no padding here")
        return real(self, prompts)

    monkeypatch.setattr(HFModel, "_probe", refuses_batches)
    running = engine(llama)
    running.load()
    facts = running.facts()
    assert facts.generation["batch_size"] == 1
    assert any("no padding here" in note for note in facts.notes)


def test_out_of_memory_goes_on_with_fewer_rows(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = engine(llama)
    wanted = score(running, ask_likelihood("The quick"))
    real = hf_model.HFModel.score

    def small_card(self: Any, rows: Any) -> Any:
        if len(rows) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, rows)

    monkeypatch.setattr(hf_model.HFModel, "score", small_card)
    for a, b in zip(score(running, ask_likelihood("The quick")).continuations, wanted.continuations, strict=True):
        assert a.logprob == pytest.approx(b.logprob, abs=1e-5)

"""A model that is larger than the memory: over CPU and disk, with the answers of the whole model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import plugins
from harness.datatypes import Completion, GenerateRequest, Likelihood, LikelihoodRequest, Request, Sampling, TextPrompt
from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf import placement
from harness.errors import MissingPackage

REQUESTS: list[Request] = [
    *(GenerateRequest(f"g{n}", "t", f"g{n}", 0, TextPrompt(f"{n} foxes jump over"), Sampling(6 + n)) for n in range(4)),
    LikelihoodRequest("l", "t", "l", 0, TextPrompt("Question: what is 3 + 4? Answer:"), (" 7", " fox jumps")),
]


def answers(folder: Path, engine: str, device: str) -> tuple[dict[str, object], EngineFacts]:
    built = plugins.load("engine", engine).build(ModelSpec(str(folder), device=device, dtype="float32"), {})
    try:
        found: dict[str, object] = {}
        for reply in built.stream(REQUESTS):
            assert isinstance(reply, Completion | Likelihood)
            scored = not isinstance(reply, Completion)
            found[reply.key] = [one.logprob for one in reply.continuations] if scored else reply.text
        return found, built.facts()
    finally:
        built.close()


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., Path]) -> Path:
    """A model of four layers, and room for about half of it; and no GPU, so that `auto` is the CPU."""
    folder = make_model("llama", num_hidden_layers=4)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    size = (folder / "model.safetensors").stat().st_size
    monkeypatch.setattr(placement, "free_bytes", lambda device: int(size * 0.8))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "reference"])
def test_cpu_and_disk_answer_like_memory(engine: str, small_memory: Path) -> None:
    wanted, whole = answers(small_memory, "reference", "cpu")
    found, facts = answers(small_memory, engine, "auto")
    assert found.pop("l") == pytest.approx(wanted.pop("l"), abs=1e-4)
    assert found == wanted
    assert not [note for note in whole.notes if "dispatched" in note], "a device that is named is used"
    (note,) = [note for note in facts.notes if "dispatched" in note]
    assert "cpu (" in note and "disk (" in note
    assert (facts.device, facts.digests, facts.parameters) == ("cpu", whole.digests, whole.parameters)


def test_what_fits_is_not_dispatched(small_memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "free_bytes", lambda device: 10**9)
    _, facts = answers(small_memory, "reference", "auto")
    assert not [note for note in facts.notes if "dispatched" in note]


def test_without_the_package_one_line_says_what_to_install(small_memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plugins.importlib.util.find_spec
    monkeypatch.setattr(plugins.importlib.util, "find_spec", lambda name: None if name == "accelerate" else found(name))
    with pytest.raises(MissingPackage, match=r"pip install 'harness\[large\]'"):
        answers(small_memory, "local", "auto")

"""Every form of checkpoint that can be read here gives the texts of plain transformers with the same package."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engines.checkpoint_forms import FORMS, Form, Made, adapter, awq, gptq, installed, outcome_of, rounded, small_llama
from engines.small_hub import SHA, serving
from engines.test_reference_hub import ROOT, run

from harness.engines.hf.checkpoint import open_checkpoint
from harness.errors import ModelError


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that every form is made of."""
    return small_llama(tmp_path_factory.mktemp("base"))


def marked(form: Form) -> Any:
    """Forms that gptqmodel reads run in a process of their own: other packages use it where it is installed."""
    marks = [pytest.mark.gptqmodel] if form.package == "gptqmodel" else []
    return pytest.param(form, marks=marks, id=form.name)


@pytest.mark.checkpoints
@pytest.mark.parametrize("form", map(marked, FORMS))
def test_texts_are_those_of_plain_transformers(form: Form, base: Path, tmp_path: Path) -> None:
    if installed(form.package) is None:
        pytest.skip(f"{form.package} is not installed")
    seen = outcome_of(form, base, tmp_path / "made")
    assert seen.texts == seen.expected
    assert len(set(seen.texts)) > 1, "random models that all answer alike would show nothing"
    assert seen.dtype == form.precision
    if form.package == "peft":
        assert any("merged into" in note for note in seen.notes)


@pytest.fixture(scope="module")
def lora(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of the base."""
    folder = tmp_path_factory.mktemp("lora")
    adapter()(base, folder)
    return folder


@pytest.mark.checkpoints
def test_an_adapter_of_another_base_is_refused_without_its_weights(base: Path, lora: Path, tmp_path: Path) -> None:
    """Peft itself leaves out the tensors of layers that the base does not have."""
    for name, settings in (("shallow", {"num_hidden_layers": 1}), ("narrow", {"intermediate_size": 96})):
        other = shutil.copytree(base, tmp_path / name)
        config = json.loads((base / "config.json").read_text()) | settings
        (other / "config.json").write_text(json.dumps(config))
        (other / "model.safetensors").write_bytes(b"not looked at")
        with pytest.raises(ModelError, match=r"which .*shallow has no place for|does not fit .*narrow") as caught:
            open_checkpoint(str(other), None, False, adapter=str(lora))
        assert "\n" not in str(caught.value)


@pytest.mark.checkpoints
def test_an_adapter_that_lacks_a_tensor_is_refused(base: Path, lora: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(lora, tmp_path / "lora")
    tensors = load_file(copy / "adapter_model.safetensors")
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, copy / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"the adapter lacks .*which its config has on"):
        open_checkpoint(str(base), None, False, adapter=str(copy))


@pytest.mark.checkpoints
def test_an_adapter_runs_unmerged_on_rounded_weights(base: Path, lora: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    def make(base: Path, folder: Path) -> Made:
        made = rounded("int4")(base, folder)
        return Made({**made.spec, "adapter": str(lora)}, lambda: PeftModel.from_pretrained(made.plain(), lora), base)

    seen = outcome_of(Form("", "peft", make), base, tmp_path)
    assert any("applied, unmerged, to" in note for note in seen.notes)
    assert seen.texts == seen.expected


@pytest.mark.checkpoints
def test_an_adapter_on_a_hub_brings_its_base_at_one_commit(base: Path, lora: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(lora, tmp_path / "style")
    config = json.loads((lora / "adapter_config.json").read_text()) | {"base_model_name_or_path": "org/base"}
    (copy / "adapter_config.json").write_text(json.dumps(config))
    with serving({"org/base": base, "org/style": copy}) as hub:
        lines = run(tmp_path / "home", hub.address, "org/style", "", "load")
        fetched = [line for line in hub.requested if line.startswith("GET") and line.endswith(".safetensors")]
    assert lines[0].startswith(SHA)
    assert len(fetched) == 2, "the adapter's weights and the base's"


@pytest.mark.checkpoints
@pytest.mark.gptqmodel
@pytest.mark.parametrize("make", [gptq, awq])
def test_what_gptqmodel_reports_is_not_among_the_results(
    base: Path, tmp_path: Path, make: Callable[[Path, Path], Made]
) -> None:
    made = make(base, tmp_path / "made")
    command = ["run", "--model", str(made.spec["path"]), "--style", "text", "--device", "cpu", "--limit", "1"]
    task, out = ROOT / "examples/tasks/apples_changed.yaml", tmp_path / "out"
    whole = [sys.executable, "-m", "harness", *command, "--tasks", str(task), "--out", str(out)]
    done = subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"made (4 bit, {make.__name__}) on apples_changed\n"), done.stdout

"""Names of models keep their capitals in tables and folders; looking one up ignores them; identities do not change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.config import pages
from harness.config.building import run_config
from harness.errors import ConfigError


def run(cli: Callable, model: str, *words: object) -> str:
    """Run the additions from recorded answers under a model's name; what was printed."""
    seen = cli(
        *("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml", "--model", model),
        *words,
    )
    assert seen.code == 0, seen.err
    return seen.out


def test_capitals_are_kept_in_the_table_the_folder_and_the_manifest(cli: Callable, sums: Path, sums_answers) -> None:
    assert "Qwen2.5-0.5B-Instruct on sums" in run(cli, "Qwen2.5-0.5B-Instruct")
    (folder,) = Path("runs").iterdir()
    assert folder.name.startswith("sums-Qwen2.5-0.5B-Instruct-")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["config"]["model"]["name"] == "Qwen2.5-0.5B-Instruct"
    # As earlier versions wrote it: their runs go on
    assert manifest["identity"]["model"]["name"] == "qwen2.5-0.5b-instruct"


def test_a_run_of_an_earlier_version_goes_on_and_no_folder_differs_in_capitals_only(
    cli: Callable, sums: Path, sums_answers
) -> None:
    run(cli, "qwen2.5-0.5b-instruct")
    assert "finished already" in run(cli, "Qwen2.5-0.5B-Instruct")
    assert len([*Path("runs").iterdir()]) == 1


@pytest.mark.parametrize("written", ["demo-smaller", "Demo-Smaller", "DEMO-SMALLER"])
def test_a_model_is_found_whatever_its_capitals(written: str) -> None:
    assert pages.model_page(written).name == "demo-smaller"


def test_a_task_and_a_suite_too(cli: Callable) -> None:
    config = run_config(None, None, ["GSM8K", "HumanEval"], {}, "here")
    assert [entry.label for entry in config.suite.tasks] == ["gsm8k", "humaneval"]
    assert run_config(None, "Math", None, {}, "here").suite.name == "math"
    with pytest.raises(ConfigError, match="named twice"):
        run_config(None, None, ["GSM8K", "gsm8k"], {}, "here")


def test_names_that_differ_in_capitals_only_are_refused() -> None:
    assert pages.spelt("Abc", ["Abc", "abc"], "model") == "Abc"
    with pytest.raises(ConfigError, match="'Abc' and 'abc' differ in capitals only"):
        pages.spelt("ABC", ["Abc", "abc"], "model")
    assert pages.spelt("abd", ["abc"], "model") is None


def test_a_page_may_have_capitals(tmp_path: Path) -> None:
    page = tmp_path / "mine.yaml"
    page.write_text("name: Qwen2.5-0.5B-Instruct\npath: Qwen/Qwen2.5-0.5B-Instruct\n", encoding="utf-8")
    assert pages.model_page(str(page)).name == "Qwen2.5-0.5B-Instruct"
    assert pages.model_page("Qwen/Qwen2.5-0.5B-Instruct").name == "Qwen-Qwen2.5-0.5B-Instruct"


def test_models_list_has_every_page_and_show_its_keys(cli: Callable) -> None:
    listed = json.loads(cli("models", "list", "--json").out)
    assert {model["name"] for model in listed} == set(pages.index("configs/models"))
    deepseek = next(model for model in listed if model["name"] == "deepseek-v4-flash")
    assert (deepseek["engine"], deepseek["price"]) == ("openai", "deepseek-v4-flash")
    text = cli("models", "list").out
    assert all(model["name"] in text and model["about"].split()[0] in text for model in listed)
    shown = cli("models", "show", "DeepSeek-V4-Flash")
    assert shown.code == 0 and "DEEPSEEK_API_KEY" in shown.out and "https://api.deepseek.com/v1" in shown.out
    missing = cli("models", "show", "deepseek-v4-flas")
    assert missing.code == 2 and "did you mean 'deepseek-v4-flash'" in missing.err

"""The kept demo models: small, loadable without a network, with a chat template that works."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import harness
from training import draw, train

MODELS = Path(harness.__file__).parent / "demo" / "models"
CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "models"
NAMES = ("demo-larger", "demo-smaller")
LIMIT = 4_000_000


@pytest.fixture(scope="module", params=NAMES)
def folder(request: pytest.FixtureRequest) -> Path:
    return MODELS / str(request.param)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()


def test_a_model_takes_at_most_4_mb(folder: Path) -> None:
    assert sum(file.stat().st_size for file in folder.iterdir()) <= LIMIT


def test_a_config_names_each_model() -> None:
    for name in NAMES:
        page = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
        assert f"name: {name}\n" in page
        assert f"path: package:demo/models/{name}\n" in page


def test_weights_have_the_shape_of_the_recipe(folder: Path, model: Any, tokenizer: Any) -> None:
    recipe = train.RECIPES[folder.name.removeprefix("demo-")]
    assert model.config.hidden_size == recipe.hidden
    assert model.config.num_hidden_layers == recipe.layers
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    assert model.config.max_position_embeddings >= 1024


def test_the_tokenizer_in_the_folder_is_the_one_that_training_would_make_today(tokenizer: Any) -> None:
    turns = list(itertools.islice(draw.training_turns(0, draw.draw_suite()), train.TOKENIZER_TURNS))
    assert train.build_tokenizer(turns).get_vocab() == tokenizer.get_vocab()


def test_any_text_survives_the_tokenizer_and_digits_stand_alone(tokenizer: Any) -> None:
    text = 'Émile paid $1,250 for 3 "naïve" 漢字 — ok?\n\tdef f(x):\n        return x  # 42'
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert tokenizer.decode(ids) == text
    assert all(sum(c.isdigit() for c in tokenizer.decode([i])) <= 1 for i in ids)


def test_the_chat_template_gives_one_begin_token_and_opens_the_answer(tokenizer: Any) -> None:
    turns = [{"role": "user", "content": "What is 2+2?"}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids) == "<|begin|><|user|>What is 2+2?<|end|><|assistant|>"


def test_training_saw_the_very_tokens_that_the_chat_template_renders(tokenizer: Any) -> None:
    turn = draw.Turn("What is 2+2?", "2+2=4\n#### 4")
    ids, labels = next(train.batches(iter([turn]), tokenizer, train.RECIPES["larger"]))
    chat = [{"role": "user", "content": turn.user}, {"role": "assistant", "content": turn.assistant}]
    assert ids[0].tolist() == tokenizer.apply_chat_template(chat, return_dict=True)["input_ids"]
    learned = [label for label in labels[0].tolist() if label != -100]
    assert tokenizer.decode(learned) == turn.assistant + "<|end|>"


def test_a_greedy_answer_has_the_form_it_was_taught_and_stops_by_itself(model: Any, tokenizer: Any) -> None:
    question = "Mia has 12 pens. Tom gives Mia 5 more. How many pens does Mia have now?"
    turns = [{"role": "user", "content": draw.MATH_PROMPT.format(question=question)}]
    requested = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    out = model.generate(**requested, max_new_tokens=120)[0, requested["input_ids"].shape[1] :].tolist()
    assert out[-1] == model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert "####" in tokenizer.decode(out)

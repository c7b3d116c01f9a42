"""Train one of the two demo models on synthetic problems, from nothing.

    python -m training.train --size larger --out DIR

Guarantees: seed and number of steps decide the result, never the clock; one thread, so that sums are added
in one order and the same machine gives the same weights (another one about the same); no problem of the
demo suite is trained on (training/draw.py lists what is held out); the loss is on the answers only, each
ended by an end-of-turn token. The folder loads with AutoModelForCausalLM and AutoTokenizer. It does not
guarantee a score.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.draw import Calculation, Suite, Turn, calculation, draw_suite, training_problems, training_turns
from training.word_problems import WordProblem

if TYPE_CHECKING:
    import torch

VOCABULARY = 1280
CONTEXT = 2048
TOKENIZER_TURNS = 6000
# Batches are cut from a pool sorted by length, so that little of a batch is padding
POOL_BATCHES = 50
BEGIN, PAD, END, USER, ASSISTANT = "<|begin|>", "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' }}{% else %}{{ '<|user|>' }}{% endif %}"
    "{{ message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that makes one sibling: its shape, its training, and how many word problems it sees for each function."""

    hidden: int
    inner: int
    layers: int
    heads: int
    steps: int
    batch: int
    peak_rate: float
    seed: int
    words: int


RECIPES = {
    "larger": Recipe(hidden=128, inner=352, layers=4, heads=4, steps=3400, batch=16, peak_rate=3e-3, seed=1, words=2),
    "smaller": Recipe(hidden=96, inner=256, layers=3, heads=4, steps=2100, batch=16, peak_rate=4e-3, seed=2, words=3),
}


def trained_calculations(recipe: Recipe, suite: Suite) -> set[Calculation]:
    """Return the chains of calculations of all word problems that a sibling was trained on."""
    problems = itertools.islice(training_problems(recipe.seed, suite, recipe.words), recipe.steps * recipe.batch)
    return {calculation(problem) for problem in problems if isinstance(problem, WordProblem)}


def build_tokenizer(turns: list[Turn], vocabulary: int = VOCABULARY) -> Any:
    """Train a byte-level BPE on the turns; every digit is a token of its own, odd text falls to bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    specials = [PAD, BEGIN, END, USER, ASSISTANT]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(itertools.chain.from_iterable((turn.user, turn.assistant) for turn in turns), trainer)
    begin = bpe.token_to_id(BEGIN)
    bpe.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, begin)])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build_model(recipe: Recipe, tokenizer: Any) -> Any:
    """Make an untrained Llama of the recipe's shape."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    ends = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        **ends,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(do_sample=False, **ends)
    return model


def batches(turns: Iterator[Turn], tokenizer: Any, recipe: Recipe) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (ids, labels), each [batch, time]; labels are -100 outside the answer and its end token."""
    import torch

    rng = random.Random(recipe.seed)
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    encode = tokenizer.backend_tokenizer.encode
    while True:
        pool = []
        for turn in itertools.islice(turns, recipe.batch * POOL_BATCHES):
            question = encode(f"{USER}{turn.user}{END}{ASSISTANT}").ids  # the post-processor puts BEGIN before it
            answer = [*encode(turn.assistant, add_special_tokens=False).ids, end]
            pool.append((question + answer, [-100] * len(question) + answer))
        pool.sort(key=lambda pair: len(pair[0]))
        starts = list(range(0, len(pool), recipe.batch))
        rng.shuffle(starts)
        for start in starts:
            rows = pool[start : start + recipe.batch]
            width = max(len(ids) for ids, _ in rows)
            ids = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in rows])
            labels = torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in rows])
            yield ids, labels


def rate(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: a linear rise over the first 2 %, then half a cosine down to 0."""
    warm = max(1, recipe.steps // 50)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (recipe.steps - warm)))


def train(recipe: Recipe, out: Path) -> None:
    """Train and save one sibling."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    suite = draw_suite()
    # The siblings share a tokenizer: its text comes from one seed, not the recipe's
    tokenizer = build_tokenizer(list(itertools.islice(training_turns(0, suite), TOKENIZER_TURNS)))
    model = build_model(recipe, tokenizer)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=recipe.peak_rate,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, recipe))
    stream = batches(training_turns(recipe.seed, suite, recipe.words), tokenizer, recipe)
    started = time.monotonic()
    for step, (ids, labels) in enumerate(itertools.islice(stream, recipe.steps), start=1):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        requested = targets != -100
        # Padding is on the right and attention looks left, so no mask is needed; logits only where scored
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[requested]), targets[requested])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == recipe.steps:
            seconds = time.monotonic() - started
            sys.stderr.write(f"step {step}/{recipe.steps}  loss {loss.item():.4f}  {seconds:.0f} s\n")
    out.mkdir(parents=True, exist_ok=True)
    model.eval().to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)


def main() -> None:
    """Read the flags and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Train a demo model.")
    parser.add_argument("--size", choices=sorted(RECIPES), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    flags = parser.parse_args()
    train(RECIPES[flags.size], flags.out)


if __name__ == "__main__":
    main()

"""Whether both sides answered the same, and where they did not, how near the two tokens were."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from measure import Run
from workloads import Task, Workload

NEAR_TIE = 1e-3
# Each costs a generation one by one
MOST_EXAMINED = 5


def same_prompts(ours: Run, theirs: Run) -> bool:
    """Whether both models were fed the same token ids. `theirs` ran with `prompts`."""
    fed = (
        (digest, ours.prompts[task][index])
        for task, digests in theirs.prompts.items()
        for index, digest in enumerate(digests)
    )
    return all(digest == own for digest, own in fed)


def compare(workload: Workload, ours: Run, theirs: Run, model: Path, dtype: str) -> dict[str, Any]:
    """By task: equal texts and the gaps where they part, or the largest difference of log-likelihoods."""
    return {task.name: _task(task, ours, theirs, model, dtype) for task in workload.tasks}


def _task(task: Task, ours: Run, theirs: Run, model: Path, dtype: str) -> dict[str, Any]:
    mine, other = ours.answers[task.name], theirs.answers[task.name]
    if task.kind == "choice":
        return _likelihoods(mine, other)
    if task.sampled:
        return _lengths(task, mine, other, model)
    texts = [(row["prompt"], a[0], b[0]) for row, a, b in zip(task.rows, mine, other, strict=True)]
    unequal = [(index, *found) for index, found in enumerate(texts) if found[1] != found[2]]
    examined = [part(model, dtype, task, *found) for found in unequal[:MOST_EXAMINED]]
    return {
        "texts": len(texts),
        "equal": len(texts) - len(unequal),
        "near_ties": sum(one["gap"] is not None and one["gap"] < NEAR_TIE for one in examined),
        "examined": examined,
    }


def _likelihoods(mine: list[Any], other: list[Any]) -> dict[str, Any]:
    pairs = [pair for a, b in zip(mine, other, strict=True) for pair in zip(a, b, strict=True)]
    chosen = [max(range(len(row)), key=lambda index, row=row: row[index][0]) for row in [*mine, *other]]
    half = len(mine)
    return {
        "likelihoods": len(pairs),
        "max_abs_difference": max(abs(a[0] - b[0]) for a, b in pairs),
        "same_greedy_flag": sum(a[1] == b[1] for a, b in pairs),
        "documents": half,
        "same_choice": sum(a == b for a, b in zip(chosen[:half], chosen[half:], strict=True)),
    }


def _lengths(task: Task, mine: list[Any], other: list[Any], model: Path) -> dict[str, Any]:
    from models import tokenizer_of

    tokenizer = tokenizer_of(model)

    def mean(rows: list[Any]) -> float:
        return fmean(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for row in rows for text in row)

    return {
        "sampled": sum(len(row) for row in mine),
        "sampled_by_peer": sum(len(row) for row in other),
        "mean_tokens": mean(mine),
        "mean_tokens_of_peer": mean(other),
    }


def part(model: Path, dtype: str, task: Task, index: int, prompt: str, ours: str, theirs: str) -> dict[str, Any]:
    """Find the first token at which plain `generate`, alone in its batch, leaves one of two texts.

    `gap` is between its two largest logits there; the texts part at a near tie if that is tiny. None: both texts go
    its way, and one of them ends too early.
    """
    plain = _plain(model, dtype, prompt, task.max_tokens)
    for step in range(len(plain["ids"])):
        text = plain["tokenizer"].decode(plain["ids"][: step + 1], skip_special_tokens=True)
        agrees = [_on_the_way(text, side) for side in (ours, theirs)]
        if not all(agrees):
            follows = "ours" if agrees[0] else "theirs" if agrees[1] else "neither"
            return {"document": index, "token": step, "gap": plain["gaps"][step], "plain_follows": follows}
    return {"document": index, "token": None, "gap": None, "plain_follows": "both"}


def _on_the_way(text: str, side: str) -> bool:
    # A side's text ends before its stop string, and a token may hold half a character
    text = text.rstrip("�")
    return side.startswith(text) or text.startswith(side)


_loaded: dict[tuple[Path, str], Any] = {}


def _plain(model: Path, dtype: str, prompt: str, tokens: int) -> Mapping[str, Any]:
    import torch
    from models import tokenizer_of
    from transformers import AutoModelForCausalLM

    if (model, dtype) not in _loaded:
        _loaded.clear()
        _loaded[model, dtype] = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()
    network, tokenizer = _loaded[model, dtype], tokenizer_of(model)
    begins = bool(tokenizer.bos_token) and prompt.startswith(tokenizer.bos_token)
    ids = tokenizer(prompt, add_special_tokens=not begins, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        found = network.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
    top = torch.cat(found.logits).float().topk(2).values
    new = found.sequences[0, ids.shape[1] :].tolist()
    return {"tokenizer": tokenizer, "ids": new, "gaps": (top[:, 0] - top[:, 1]).tolist()}

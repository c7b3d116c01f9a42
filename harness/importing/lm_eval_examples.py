"""How a page of lm-evaluation-harness chooses and separates its examples, as `fewshot` of ours."""

from __future__ import annotations

from typing import Any

from harness.importing.lm_eval_task import SHOT_SEED, Doc, ForeignTask


class NotThisForm(Exception):
    """The page cannot have this form; the message says why."""


def is_unconditional(task: ForeignTask) -> bool:
    """Whether options are scored after an empty prompt too."""
    metrics = task.page.values.get("metric_list") or []
    return any(entry.get("metric") == "acc_mutual_info" for entry in metrics)


def fewshot_of(task: ForeignTask) -> dict[str, Any]:
    """Return `fewshot` of our page. Raises NotThisForm for a choice of examples that ours does not have."""
    data = task.data
    drawn = {"choose": "random", "seed": SHOT_SEED}
    choose = {"choose": "first"} if data.sampler == "first_n" else drawn
    if not data.pool_is_split:
        if data.leaves_out_question and data.sampler == "default":
            raise NotThisForm("it draws one example more than it shows")
        return {"rows": sample_rows(task), "count": task.shots, **choose}
    same = data.pool_split == data.split
    if same != data.leaves_out_question:
        raise NotThisForm(
            "a question may be among its own examples" if same else "it draws one example more than it shows"
        )
    if data.source(data.pool_split) != data.source(data.split):
        raise NotThisForm("examples and questions are of different files")
    return {"split": data.pool_split, "count": task.shots, **choose, **({"leave_one_out": True} if same else {})}


def sample_rows(task: ForeignTask) -> list[Doc]:
    """The examples that the page itself has; those of options with the text of the right one as `option`."""
    rows = task.pool()
    if task.kind != "multiple_choice":
        return rows
    shown = [task.example(row) for row in rows]
    return [
        {**row, "option": each.question if task.multiple_input else each.answer}
        for row, each in zip(rows, shown, strict=True)
    ]

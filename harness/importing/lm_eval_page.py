"""Makes a page of ours from a read page of lm-evaluation-harness, in one of three forms; the first that fits is taken.

- `templates`: its templates become ours, over the same data set.
- `rows`: what its functions and templates give for each row is written to files beside our page, with questions,
  answers and examples as columns. The number of examples can still be set.
- `prompts`: the same with each whole prompt in one column, for rules of examples that ours lack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.importing.lm_eval_examples import NotThisForm
from harness.importing.lm_eval_rows import of_rows
from harness.importing.lm_eval_sampling import sampling_of
from harness.importing.lm_eval_scores import Scoring
from harness.importing.lm_eval_task import ForeignTask
from harness.importing.lm_eval_templates import of_templates

Form = Literal["templates", "rows", "prompts"]
FORMS: tuple[Form, ...] = ("templates", "rows", "prompts")
ORIGIN = "lm-evaluation-harness 0.4.13"


@dataclass(slots=True)
class Draft:
    """Our page, and the rows of the files that go beside it, by split."""

    page: dict[str, Any]
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def drafted(task: ForeignTask, scoring: Scoring, form: Form) -> Draft:
    """Make a page in one form. Raises NotThisForm, and ConfigError or DataError for what no form can have."""
    if form == "templates":
        return Draft(_page(task, scoring, *of_templates(task, scoring)))
    if form == "prompts" and not task.shots:
        raise NotThisForm("it has no examples")
    data, parts, files = of_rows(task, scoring, our_name(task.name), whole=form == "prompts")
    return Draft({**_page(task, scoring, data, parts), "expected_count": len(files["test"])}, files)


def our_name(name: str) -> str:
    """A name that our pages may have."""
    return re.sub(r"[^a-z0-9_-]", "_", name.lower()).lstrip("_-") or "task"


def _page(task: ForeignTask, scoring: Scoring, data: dict[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in the order of the schema; `parts`: reference, gold, fewshot, prompt.text."""
    values = task.page.values
    kinds = {"generate_until": "generate", "loglikelihood_rolling": "rolling_loglikelihood"}
    ask = kinds.get(task.kind, "loglikelihood")
    tags = values.get("tag") or []
    text = dict(parts.get("text", {}))
    page: dict[str, Any] = {
        "name": our_name(task.name),
        "version": 1,
        "about": f"Imported from lm-evaluation-harness, task {task.name}.",
        "tags": sorted({our_name(str(tag)) for tag in (tags if isinstance(tags, list) else [tags])}),
        "source": {"reference": f"{ORIGIN}, task {task.name}"},
        "data": data,
        "reference": parts["reference"],
    }
    if not page["tags"]:
        del page["tags"]
    hub = task.data.source(task.data.split)
    if not hub["path"].startswith("/"):
        page["source"] = {"data": f"https://huggingface.co/datasets/{hub['path']}", **page["source"]}
    version = (values.get("metadata") or {}).get("version")
    if version is not None:
        page["source"]["note"] = f"Version {version} of that task, in its text form."
    if "gold" in parts and ask == "generate":
        page["gold"] = parts["gold"]
    if "fewshot" in parts:
        page["fewshot"] = parts["fewshot"]
    if ask == "generate":
        sampling, stops = sampling_of(task.page)
        text |= {"stop": stops} if stops else {}
    if text:
        page["prompt"] = {"text": text}
    if ask != "generate":
        page["ask"] = ask
    else:
        page["sampling"] = sampling
        if scoring.repeats != 1:
            page["repeats"] = scoring.repeats
    return {**page, "score": scoring.score, "metric": scoring.metric}

"""`harness run --dry-run`: prompts and cost, on paper."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.cli.loudness import Loudness

if TYPE_CHECKING:
    from harness.config.schema import RunConfig
    from harness.preview import ChangedQuestion, Preview, TaskPreview

# Of a longer prompt its beginning and its end, where the question is
SHOWN_START, SHOWN_END = 1000, 500


def show_preview(config: RunConfig, *, as_json: bool, said: Loudness = Loudness.normal) -> None:
    """Print what a run would do."""
    from harness.cli.progress import Progress, engine_text
    from harness.plan import missing_text
    from harness.preview import preview
    from harness.report.left_out import left_out_text

    with Progress(said) as progress:
        seen = preview(config, progress.waiting)
    if as_json:
        print(json.dumps(asdict(seen), indent=2, ensure_ascii=False, default=str))
        return
    facts = seen.facts
    place = ", ".join(str(part) for part in (facts.device, facts.dtype) if part) or "no device"
    local = f"{facts.engine} engine, {place}, {facts.style} prompts"
    print(f"model     {facts.model}, {engine_text(facts) if seen.paid else local}")
    print(f"window    {f'{facts.context_window} tokens' if facts.context_window else 'unknown'}")
    for task in seen.tasks:
        part = _part(config, task)
        about = "~" if task.estimated else ""
        tokens = (
            f"{about}{task.tokens_in} tokens in (longest {task.longest}), at most {task.tokens_out_at_most} out; "
            f"{task.cut_prompts} prompts would be cut"
        )
        unknown = f"tokens in unknown, at most {task.tokens_out_at_most} out"
        print(
            f"{task.task}: {task.requests} requests on {part} ({task.style}); "
            f"{tokens if seen.counts_tokens else unknown}{_dollars(task.dollars_at_most, task.dollars_typical)}"
        )
        if task.not_changed:
            print(f"{task.task}: {left_out_text(task.not_changed, task.samples)}")
    if seen.left_out:
        print(f"left out  {len(seen.left_out)} tasks, by --skip-missing: {missing_text(seen.left_out)}")
    if seen.paid:
        print(_bill(seen))
    if config.repeat_check is not None:
        print(f"repeats   {config.repeat_check} requests more at most, for --repeat-check: not in these sums")
    if seen.seconds_at_most is not None:
        print(f"time      roughly {_duration(seen.seconds_at_most)} at most (every answer as long as allowed)")
    if seen.memory_bytes is not None:
        print(f"memory    roughly {seen.memory_bytes / 2**20:.0f} MiB for weights and KV cache")
    for task in seen.tasks:
        print(f"\n--- {task.task}, sample {task.first.sample_id!r}, as the model sees it\n{_cut(task.first_rendered)}")
        if task.changed is not None:
            _show_changed(task.task, task.changed)


def _show_changed(task: str, found: ChangedQuestion) -> None:
    """The question as it is and changed, without examples, and the right answers that the data and the change give."""
    for sample, what, question, gold in (
        (found.sample, "as it is", found.question, found.gold),
        (found.variant, "changed", found.changed, found.changed_gold),
    ):
        print(f"\n--- {task}, the question {what} (sample {sample!r})\n{_cut(question)}")
        if gold:
            print(f"[right answer] {_cut(gold)}")


def _cut(text: str) -> str:
    """A text without its middle, if it is long."""
    left_out = len(text) - SHOWN_START - SHOWN_END
    if left_out <= 0:
        return text
    return f"{text[:SHOWN_START]}\n[... {left_out} more characters ...]\n{text[-SHOWN_END:]}"


def _part(config: RunConfig, task: TaskPreview) -> str:
    """How many samples of how many, and which."""
    if task.samples == task.total:
        return f"{task.samples} samples"
    if task.drawn_with is not None:
        return f"{task.samples} of {task.total} samples, drawn with seed {task.drawn_with}"
    return f"{'the first ' if task.samples == config.limit else ''}{task.samples} of {task.total} samples"


def _dollars(at_most: float | None, typical: float | None) -> str:
    """What requests cost, in a few words; empty where it is not known."""
    from harness.cost.tables import dollars

    if at_most is None:
        return ""
    usual = f", ${dollars(typical)} with answers as long as those so far" if typical is not None else ""
    return f"; ${dollars(at_most)} at most{usual}"


def _bill(seen: Preview) -> str:
    """The line about money: the sum, and how it was computed."""
    if seen.price is None:
        return "cost      unknown: no price; name a page with --set model.price=NAME (`harness cost list`)"
    whole = _dollars(seen.dollars_at_most, seen.dollars_typical).removeprefix("; ") or "unknown"
    parts = ["every answer as long as allowed" if seen.dollars_at_most is not None else "tokens in are not known"]
    if any(task.estimated for task in seen.tasks):
        parts.append("~: tokens in are estimated from the length of the text")
    return f"cost      {whole}, by the price {seen.price} ({'; '.join(parts)})"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""Results as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from task_parity.comparison import Result
from task_parity.explained import explanations, reasons

HEADER = """\
# Parity with lm-evaluation-harness {version}

Made by `{command}`; do not edit. Each page whose `source.reference` names a task of lm-evaluation-harness is compared
with that task, run by lm-evaluation-harness in its own environment on the same files.

- **prompts**: text prompts (for log-likelihoods contexts and continuations) that are equal byte for byte, of all.
- **chat**: prompts rendered by the chat template of {tokenizer}, against `--apply_chat_template`.
- **settings**: stop strings, new tokens, temperature, top-p, repeats.
- **scores**: scores that are equal on the same completions (gold, recorded of real models where there are any, {kinds}
  other kinds: phrasings, fences, units, wrong, malformed, empty), or on the same log-likelihoods, by score entry.
- **log-likelihoods**: of the demo model, in float32, both engines: how many, and the largest difference.
- **made rows**: the mirror lacks the data or a split of it, and both sides read rows of the same form in its place.
- A page is **equal** if nothing differs but, at most, a chat prompt that is explained: lm-evaluation-harness writes its
  text prompt into the chat, and some pages have a prompt of their own there.

"""
COLUMNS = ("page", "lm-eval task", "prompts", "chat", "settings", "scores", "log-likelihoods", "status, differences")


def status(result: Result) -> str:
    """Return `equal`, `differs` or `not compared`."""
    differs = set(result.differences())
    if "not compared" in differs:
        return "not compared"
    return "differs" if differs - {"chat"} or (result.style == "chat" and differs) else "equal"


def summary(results: Sequence[Result], entries: Mapping[str, Any]) -> str:
    """Return one line: how many pages are equal, explained, unexplained."""
    counts = {name: sum(status(result) == name for result in results) for name in ("equal", "differs", "not compared")}
    open_ = sum(bool(explanations(result, entries.get(result.page, {}))[0]) for result in results)
    return (
        f"{len(results)} pages: {counts['equal']} equal, {counts['differs']} with differences, "
        f"{counts['not compared']} not compared; {open_} with an unexplained difference."
    )


def page(results: Sequence[Result], entries: Mapping[str, Any], **facts: Any) -> str:
    """Return the whole page."""
    lines = [HEADER.format(**facts), summary(results, entries), ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for result in sorted(results, key=lambda each: each.page):
        lines.append("| " + " | ".join(_cells(result, entries.get(result.page, {}))) + " |")
    return "\n".join(lines) + "\n"


def _cells(result: Result, entry: Mapping[str, Any]) -> list[str]:
    task = result.task + (f" ({result.tasks} tasks)" if result.tasks > 1 else "")
    version = f", v{result.version}" if result.version else ""
    chat = result.chat.shown() + (f", {result.chat_form}" if result.chat.total else "")
    scores = "; ".join(f"{name} {count.shown()}" for name, count in result.scores.items())
    if result.only_ours:
        scores += f"; only here: {', '.join(result.only_ours)}"
    likelihoods = f"{result.likelihoods}, {result.largest:.1e}" if result.likelihoods else "-"
    said = f"**{status(result)}**. {reasons(entry)}".strip()
    unexplained, _ = explanations(result, entry)
    if unexplained:
        said += f" UNEXPLAINED: {', '.join(unexplained)}."
    settings = "; ".join(result.settings) or "equal"
    shown = [
        result.page + (" (made rows)" if result.made else ""),
        task + version,
        result.prompts.shown(),
        chat,
        settings,
        scores or "-",
        likelihoods,
        said,
    ]
    return [" ".join(each.split()).replace("|", "\\|") for each in shown]

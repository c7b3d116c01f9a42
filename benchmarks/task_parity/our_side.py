"""Our pages as lm-eval's tasks see them: which task each sample belongs to, its prompt as text, its scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis import metric
from harness.catalog import Binder, Task
from harness.config import pages
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader
from harness.datatypes import (
    ChatPrompt,
    Completion,
    ContinuationScore,
    GenerateRequest,
    Likelihood,
    Prompt,
    Request,
    RollingRequest,
    Sample,
    Style,
)
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

REFERENCE = re.compile(r"lm-evaluation-harness (?P<version>[0-9.]+), task (?P<task>\S+)")
# (context, what follows it); generations have no second part
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A page that says to have the prompts and scores of a task of lm-eval (`task` may have `{column}`s)."""

    name: str
    page: TaskPage
    source: YamlPage
    task: str
    version: str


def claims(names: Sequence[str], entries: Mapping[str, Mapping[str, Any]]) -> list[Claim]:
    """Return the pages that name a task of lm-eval as their reference: all, or those of these names.

    `entries` of `pages.yaml`: `PAGE@VARIANT` is compared too; `values` are keys of the page that are set otherwise (all
    languages, where the page has one); `task` is another task of lm-eval.
    """
    found = []
    known = pages.index("tasks")
    for name in names or [*known, *(each for each in entries if "@" in each and each.split("@")[0] in known)]:
        base, _, variant = name.partition("@")
        page, source = pages.task_page(base)
        entry = entries.get(name, {})
        overrides = [(f"variant {variant}", page.variants[variant])] if variant else []
        if overrides or "values" in entry:
            page, source = pages.task_page(base, *overrides, ("pages.yaml", dict(entry.get("values", {}))))
        match = REFERENCE.fullmatch(page.source.reference or "")
        if match is not None:
            found.append(Claim(name, page, source, entry.get("task", match["task"]), match["version"]))
        elif names:
            raise SystemExit(f"{name}: its source.reference is no 'lm-evaluation-harness VERSION, task NAME'")
    return found


@dataclass(slots=True)
class OurPage:
    """A page bound to the mirror, in each style that it has; `groups`: lm-eval's task -> numbers of our samples."""

    claim: Claim
    styles: dict[Style, Task]
    groups: dict[str, list[int]]

    @property
    def main(self) -> Task:
        """The style that the reference is about: text where the page has it."""
        return self.styles.get("text") or self.styles["chat"]

    def request(self, style: Style, number: int) -> Request:
        """Return the first request of a sample."""
        return self.styles[style].requests[number * self.claim.page.repeats]

    def reply_key(self, number: int) -> str:
        """Return the key of a sample's first request in the main style."""
        return self.main.requests[number * self.claim.page.repeats].key

    def scores_of_text(self, number: int, text: str) -> dict[str, float | None]:
        """Return the value of each score for a completion; None: unscored."""
        reply = Completion(self.reply_key(number), text, "eos")
        return self._scores(number, reply)

    def scores_of_numbers(self, number: int, numbers: Sequence[tuple[float, bool]]) -> dict[str, float | None]:
        """Return the value of each score for log-likelihoods, one for each continuation."""
        request = self.main.requests[number * self.claim.page.repeats]
        assert not isinstance(request, GenerateRequest)
        texts = (request.text,) if isinstance(request, RollingRequest) else request.continuations
        scored = tuple(
            ContinuationScore(value, max(1, len(text) // 4), len(text), len(text.encode()), greedy)
            for (value, greedy), text in zip(numbers, texts, strict=True)
        )
        reply = Likelihood(request.key, scored)
        return self._of_corpus(number, reply) if isinstance(request, RollingRequest) else self._scores(number, reply)

    def _of_corpus(self, number: int, reply: Likelihood) -> dict[str, float | None]:
        """The page's metrics on this text alone, as if it were the corpus."""
        sample, request = self.main.samples[number], self.main.requests[number]
        score = self.main.scorers[0].score(sample, request.prompt, reply)
        found: dict[str, float | None] = {}
        for name in self.claim.page.metric:
            fold: Any = metric.bind(name, 1)
            # Two copies: an interval needs more than one text, and the value is that of one
            estimate = fold.of_corpus([[score], [score]], [0, 1])
            found[name] = None if estimate is None else estimate.value
        return found

    def _scores(self, number: int, reply: Completion | Likelihood) -> dict[str, float | None]:
        sample, request = self.main.samples[number], self.main.requests[number * self.claim.page.repeats]
        return {each.name: each.score(sample, request.prompt, reply).value for each in self.main.scorers}


@contextmanager
def bound(claim: Claim, loader: Loader, made: bool) -> Iterator[OurPage]:
    """Bind a page in all its styles; `made`: its rows are stand-ins, of another number. Raises HarnessError."""
    page = claim.page.model_copy(update={"expected_count": None}) if made else claim.page
    services = Services("auto", Limits())
    try:
        scorers = page_scorers(claim.page, claim.source, services.tools(), True)
        styles: dict[Style, Task] = {}
        for style, section in (("text", claim.page.prompt.text), ("chat", claim.page.prompt.chat)):
            if section is not None:
                binder = Binder(loader, style, None, insists=True, trust_page_code=True)
                styles[style] = binder.bind(page, claim.source, scorers)
        first = next(iter(styles.values()))
        groups: dict[str, list[int]] = {}
        for number, sample in enumerate(first.samples):
            groups.setdefault(task_of(claim, sample), []).append(number)
        yield OurPage(claim, styles, groups)
    finally:
        services.close()


def task_of(claim: Claim, sample: Sample) -> str:
    """Return the task of lm-eval that a sample belongs to."""
    # lm-eval's names have no blanks, its data's columns do
    values = {key: value.replace(" ", "_") if isinstance(value, str) else value for key, value in sample.inputs.items()}
    return claim.task.format(**values)


def pairs(request: Request, encoder: PromptEncoder | None) -> list[Pair]:
    """Return a request as contexts and continuations; a chat is rendered by the tokenizer's template."""
    if isinstance(request, RollingRequest):
        return [("", request.text)]
    if isinstance(request, GenerateRequest):
        return [(shown(request.prompt, encoder), "")]
    contexts = request.contexts or (request.prompt,) * len(request.continuations)
    return [
        split_as_tokenised(shown(context, encoder), text)
        for context, text in zip(contexts, request.continuations, strict=True)
    ]


def shown(prompt: Prompt, encoder: PromptEncoder | None) -> str:
    """Return a prompt as text."""
    if isinstance(prompt, ChatPrompt):
        assert encoder is not None
        return encoder.render(prompt)
    return prompt.text


def split_as_tokenised(context: str, continuation: str) -> Pair:
    """Move white space at a context's end to its continuation, as both harnesses do before they tokenise."""
    kept = context.rstrip()
    return (kept, context[len(kept) :] + continuation) if kept else (context, continuation)


def encoder_of(folder: Path) -> PromptEncoder:
    """Open a tokenizer with a chat template."""
    from transformers import AutoTokenizer

    return PromptEncoder(AutoTokenizer.from_pretrained(folder))


def rendered_by_lm_eval(encoded: str, tokenizer: Any) -> str:
    """Render messages (as `lm_eval_side.py` wrote them) as lm-eval's engine for transformers does."""
    import json

    chat = json.loads(encoded)
    text: str = tokenizer.apply_chat_template(
        chat["messages"],
        tokenize=False,
        add_generation_prompt=chat["new_turn"],
        continue_final_message=not chat["new_turn"],
    )
    return text

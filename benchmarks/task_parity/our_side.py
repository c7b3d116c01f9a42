"""Our pages as lm-eval's tasks see them: which task each sample belongs to, its prompt as text, its scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.catalog import Binder, Task, page_scorers
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
    LikelihoodRequest,
    Prompt,
    Request,
    RollingRequest,
    Sample,
    Style,
)
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.execution.base import Limits
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


def claims(names: Sequence[str] = ()) -> list[Claim]:
    """Return the pages that name a task of lm-eval as their reference: all, or those of these names."""
    found = []
    for name in names or pages.index("tasks"):
        page, source = pages.task_page(name)
        match = REFERENCE.fullmatch(page.source.reference or "")
        if match is not None:
            found.append(Claim(name, page, source, match["task"], match["version"]))
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
        assert isinstance(request, LikelihoodRequest)
        scored = tuple(
            ContinuationScore(value, max(1, len(text) // 4), len(text), len(text.encode()), greedy)
            for (value, greedy), text in zip(numbers, request.continuations, strict=True)
        )
        return self._scores(number, Likelihood(request.key, scored))

    def _scores(self, number: int, reply: Completion | Likelihood) -> dict[str, float | None]:
        sample, request = self.main.samples[number], self.main.requests[number * self.claim.page.repeats]
        return {each.name: each.score(sample, request.prompt, reply).value for each in self.main.scorers}


@contextmanager
def bound(claim: Claim, mirror: Path, loader: Loader | None = None) -> Iterator[OurPage]:
    """Bind a page in all its styles. Raises HarnessError."""
    services = Services("auto", Limits())
    try:
        scorers = page_scorers(claim.page, claim.source, services.tools(), True)
        loader = loader or Loader(mirror)
        styles: dict[Style, Task] = {}
        for style, section in (("text", claim.page.prompt.text), ("chat", claim.page.prompt.chat)):
            if section is not None:
                binder = Binder(loader, style, None, insists=True, trust_page_code=True)
                styles[style] = binder.bind(claim.page, claim.source, scorers)
        first = next(iter(styles.values()))
        groups: dict[str, list[int]] = {}
        for number, sample in enumerate(first.samples):
            groups.setdefault(task_of(claim, sample), []).append(number)
        yield OurPage(claim, styles, groups)
    finally:
        services.close()


def task_of(claim: Claim, sample: Sample) -> str:
    """Return the task of lm-eval that a sample belongs to."""
    return claim.task.format(**sample.inputs)


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

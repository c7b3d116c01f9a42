"""What a scorer and an extractor are, and the way from a reply to a score, which is the same for all of them.

A scorer is a module with `build(options, tools) -> Scorer`, called once per task; an extractor is a module with
`build(options) -> Extract`. `options` are the keys of the page's entry but `by`; `checked_options` (options.py) reads
them. A scorer says which references it accepts, and has `score_answer`, `score_likelihood`, or both, by the replies
that it accepts.

`TaskScorer` does the rest: it refuses what the scorer does not accept, removes reasoning, extracts the answer, scores a
completion without one as 0, and checks the value. So a scorer gets only what it accepts, never an empty answer. It is
called from several threads; slow or dangerous work belongs in another process (`Tools`). A scorer raises nothing for
what a model wrote: that is a Score of 0 with a Failure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from harness.datatypes import (
    Answer,
    ChatPrompt,
    Choice,
    Completion,
    Failure,
    Likelihood,
    Prompt,
    Reference,
    Sample,
    Score,
)
from harness.errors import ConfigError, DataError
from harness.execution.base import Limits, Sandbox
from harness.prompts.build import render
from harness.reasoning import opened_by, without_reasoning
from harness.scoring.options import ExtractorOptions
from harness.scoring.presence import is_stated

# (completion with its prefill, prompt, sample) -> the answer, None or empty where there is none
Extract = Callable[[str, Prompt, Sample], str | None]
_LETTER = re.compile(r"[^\W\d_]")


# --- what a run gives to scorers -----------------------------------------------------------------


class MathJudge(Protocol):
    """Decides math equality in a process that can be killed."""

    def equal(self, gold: str, answer: str) -> tuple[bool | None, str]:
        """Return (verdict, reason). The verdict is None when none was reached in the time allowed."""

    def found_equal(self, solution: str, completion: str) -> tuple[bool | None, str]:
        """As `equal`, of the answers that math-verify itself finds in two texts."""

    def close(self) -> None:
        """End the judge's process."""


def _no_page(name: str) -> Callable[..., Any]:
    raise ConfigError(f"there is no page here whose function `{name}` could score")


@dataclass(frozen=True, slots=True)
class Tools:
    """Factories, called on first use, so that a run without programs never probes a sandbox.

    `page_function` returns a function of the Python file beside the page by its name, or raises ConfigError.
    """

    sandbox: Callable[[], Sandbox]
    math: Callable[[], MathJudge]
    limits: Limits
    page_function: Callable[[str], Callable[..., Any]] = _no_page


# --- scorers -------------------------------------------------------------------------------------


class Scorer(Protocol):
    """One way of scoring; also an AnswerScorer, a LikelihoodScorer, or both.

    `binary`: 0 and 1 are the only values (proportions get a Wilson interval). `references`: the kinds of reference that
    it accepts. It may have two more attributes, for metrics of the corpus: `details`, the keys of figures that each of
    its scores has in its detail (None: whatever the page's function gives), and `averages`, False where the mean of
    its values is no score. `most_options`, if it has that: how many options it can tell apart in generated text.
    """

    @property
    def name(self) -> str:
        """The score's name in records and tables."""

    @property
    def binary(self) -> bool:
        """Whether 0 and 1 are the only values."""

    @property
    def references(self) -> tuple[type[Reference], ...]:
        """The kinds of reference that it accepts."""


@runtime_checkable
class AnswerScorer(Protocol):
    """A scorer that accepts completions."""

    @property
    def extractor(self) -> str:
        """The extractor that is used where the page names none."""

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score the answer that was extracted from a completion; it is never empty."""


@runtime_checkable
class ChatScorer(Protocol):
    """A scorer of completions that takes the answers of a conversation in a way of its own."""

    def score_chat_answer(self, sample: Sample, answer: str) -> Score:
        """As `score_answer`, for an answer to a ChatPrompt."""


@runtime_checkable
class LikelihoodScorer(Protocol):
    """A scorer that accepts log-likelihoods."""

    def score_likelihood(self, sample: Sample, reply: Likelihood) -> Score:
        """Score the log-likelihoods of a sample's continuations, or of its text."""


@runtime_checkable
class LeavesOut(Protocol):
    """An extractor of a statement about the answer, which the extraction of the answer must not see."""

    def without(self, text: str) -> str:
        """Return the text without the statement."""


@runtime_checkable
class CountsNothing(Protocol):
    """A scorer with figures for metrics of the corpus, which a completion without an answer has too."""

    def of_nothing(self, sample: Sample) -> Mapping[str, Any]:
        """Return the detail of a completion without an answer."""


Build = Callable[[Mapping[str, Any], Tools], Scorer]


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extractor with the options that all of them have."""

    read: Extract
    options: ExtractorOptions

    def __call__(self, text: str, prompt: Prompt, sample: Sample) -> str | None:
        """Return the answer in a completion, without the reasoning; None where there is none."""
        visible = self._visible(text)
        return None if visible is None else self.read(visible, prompt, sample) or None

    def rest(self, text: str) -> str:
        """Return the text that is left for other extractors: without the statement that `__call__` reads."""
        visible = self._visible(text) if isinstance(self.read, LeavesOut) else None
        if visible is None or not isinstance(self.read, LeavesOut):
            return text
        # Reasoning before the answer stays, for an extractor that does not strip it
        before = text.removesuffix(visible) if text.endswith(visible) else ""
        return before + self.read.without(visible)

    def is_open(self, text: str) -> bool:
        """Whether a completion is reasoning to its end."""
        return self._visible(text) is None

    def _visible(self, text: str) -> str | None:
        """What the extractor sees of a completion; None where all of it is reasoning."""
        return without_reasoning(text, self.options.reasoning_marks) if self.options.strip_reasoning else text


@dataclass(slots=True)
class TaskScorer:
    """A scorer of one task and its extractor: reply in, score out. `name` and `binary` are the scorer's.

    `metrics`: those of this score (empty: the page's); `weight`: template of a sample's weight; `confidence`: reads
    what a completion states of it; `sums`: keys that the metrics need in the detail of every score.
    """

    scorer: Scorer
    extract: Extraction
    metrics: tuple[str, ...] = ()
    weight: str | None = None
    confidence: Extraction | None = None
    sums: tuple[str, ...] = ()
    name: str = field(init=False)
    binary: bool = field(init=False)
    _of_answers: AnswerScorer | None = field(init=False)
    _of_chats: ChatScorer | None = field(init=False)
    _of_likelihoods: LikelihoodScorer | None = field(init=False)
    _of_nothing: CountsNothing | None = field(init=False)

    def __post_init__(self) -> None:
        """Check once which replies the scorer accepts: `isinstance` of a protocol takes longer than a score."""
        self.name, self.binary = self.scorer.name, self.scorer.binary
        self._of_answers = self.scorer if isinstance(self.scorer, AnswerScorer) else None
        self._of_chats = self.scorer if isinstance(self.scorer, ChatScorer) else None
        self._of_likelihoods = self.scorer if isinstance(self.scorer, LikelihoodScorer) else None
        self._of_nothing = self.scorer if isinstance(self.scorer, CountsNothing) else None

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        """Check that the scorer accepts the reply, extract the answer, score it, and check the score.

        Raises what the scorer raises, and DataError for a weight that is none.
        """
        return self._with_sums(sample, self._score(sample, prompt, reply))

    def refused(self, sample: Sample, failure: Failure) -> Score:
        """Score a refusal: 0 where it is the model's own, else unscored. Raises DataError for a weight that is none."""
        if failure.ours:
            return Score(self.name, None, failure=failure)
        nothing = self._of_nothing.of_nothing(sample) if self._of_nothing else {}
        return self._with_sums(sample, Score(self.name, 0.0, failure=failure, detail=nothing))

    def _with_sums(self, sample: Sample, score: Score) -> Score:
        """Add the sample's weight, and refuse a score without what the metrics sum."""
        if score.value is None:
            return score
        if self.weight is not None:
            score = replace(score, detail={**score.detail, "weight": _weight(self.weight, sample)})
        if self.confidence is not None and "confidence" not in score.detail:
            # Known to be none, where there is no answer either
            score = replace(score, detail={**score.detail, "confidence": None})
        missing = [key for key in self.sums if key not in score.detail]
        if missing:
            remedy = "; give the score entry a `weight`" if missing == ["weight"] else ""
            return misused(self.name, f"its metrics need `{missing[0]}` in the detail of every score{remedy}")
        return score

    def _score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        if not isinstance(sample.reference, self.scorer.references):
            accepted = " or ".join(kind.__name__.lower() for kind in self.scorer.references)
            kind = type(sample.reference).__name__.lower()
            return misused(self.name, f"it scores against {accepted}, and the task's reference is {kind}")
        if isinstance(reply, Likelihood):
            if self._of_likelihoods is None:
                return misused(self.name, "it scores generated text (`ask: generate`), and the reply is a likelihood")
            return in_range(self._of_likelihoods.score_likelihood(sample, reply), binary=self.binary)
        if self._of_answers is None:
            return misused(self.name, "it scores likelihoods, and the reply is generated text")
        text = full_text(prompt, reply)
        rest = text if self.confidence is None else self.confidence.rest(text)
        answer = None if reply.finish == "filtered" else self.extract(rest, prompt, sample)
        if answer is not None:
            of_chats = self._of_chats if isinstance(prompt, ChatPrompt) else None
            score_answer = of_chats.score_chat_answer if of_chats else self._of_answers.score_answer
            score = noted(in_range(score_answer(sample, answer), binary=self.binary), sample, reply)
            if self.confidence is None:
                return score
            written = self.confidence(text, prompt, sample)
            try:
                share = None if written is None else float(written)
            except ValueError:
                share = math.nan
            if share is not None and not 0 <= share <= 1:
                # 80 for 80 per cent is a fault of the page, and no guess
                why = f"the extractor of `confidence` must give a number from 0 to 1; it gave {written!r:.40}"
                return misused(self.name, why)
            return replace(score, detail={**score.detail, "confidence": share})
        nothing = self._of_nothing.of_nothing(sample) if self._of_nothing else {}
        if reply.finish == "filtered":
            return replace(withheld(self.name, reply), detail=nothing)
        is_open = self.extract.is_open(text)
        without = unanswered(self.name, reply, is_open)
        return noted(replace(without, detail={**nothing, **without.detail}), sample, reply)

    def score_or_failure(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score | Failure:
        """Return the score, or the failure that whatever the scorer raised is. Raises nothing itself."""
        try:
            return self.score(sample, prompt, reply)
        except Exception as error:  # noqa: BLE001 - a fault in a scorer leaves one sample unscored, never a run lost
            return Failure("score", type(error).__name__, str(error), ours=True)


def _weight(template: str, sample: Sample) -> float:
    """Fill a template with the sample's row. Raises DataError unless it prints a finite number, 0 or more."""
    printed = render(template, sample.inputs).strip()
    try:
        weight = float(printed)
    except ValueError:
        weight = -1.0
    if not (math.isfinite(weight) and weight >= 0):
        raise DataError(f"the weight of sample {sample.id!r} must be a number, 0 or more; it is {printed[:40]!r}")
    return weight


def full_text(prompt: Prompt, reply: Completion) -> str:
    """Return the whole answer: the reasoning mark and the prefill that the prompt ends with, then the completion."""
    if isinstance(prompt, ChatPrompt):
        return reply.reasoning_mark + prompt.prefill + reply.text
    return opened_by(prompt.text) + reply.text


def unanswered(scorer: str, reply: Completion, reasoning_open: bool = False) -> Score:
    """Score a completion from which no answer was extracted: 0, with the likely cause."""
    message = "nothing could be extracted from the completion"
    if reasoning_open:
        ends = {"length": "used all of max_tokens", "window": "filled the context window"}
        message += f"; the reasoning {ends.get(reply.finish, 'does not end')}"
    elif reply.text.strip():
        message += {"length": "; it was cut at max_tokens", "window": "; the context window was full"}.get(
            reply.finish, ""
        )
    elif reply.finish in ("length", "window"):
        limit = "max_tokens" if reply.finish == "length" else "the context window"
        message += (
            f"; the reasoning used all of {limit}" if reply.reasoning else f"; it was cut at {limit}, and it is empty"
        )
    else:
        message += "; it is empty" + (" after its reasoning" if reply.reasoning else "")
    failure = Failure(stage="extract", kind="no_answer", message=message, ours=False)
    detail = {"empty": "reasoning"} if reasoning_open else {}
    return Score(scorer=scorer, value=0.0, answer=None, explanation=message, failure=failure, detail=detail)


def withheld(scorer: str, reply: Completion) -> Score:
    """Score a completion that the server's content filter withheld or cut: 0, as the model's own failure."""
    part = "cut the completion off" if reply.text.strip() else "withheld the completion"
    message = f"the server's content filter {part}"
    failure = Failure(stage="engine", kind="filtered", message=message, ours=False)
    return Score(scorer=scorer, value=0.0, answer=None, explanation=message, failure=failure)


def misused(scorer: str, why: str) -> Score:
    """Leave a sample unscored because the page combines a scorer with what it does not accept."""
    message = f"scorer {scorer!r} cannot be used here: {why}"
    return Score(scorer=scorer, value=None, failure=Failure("score", "misused", message, ours=True))


def in_range(score: Score, *, binary: bool) -> Score:
    """Return the score; unscored, as a fault of its scorer, if its value is no number or not 0 or 1 though `binary`.

    A value outside of what a metric expects would shift the mean of all samples unnoticed.
    """
    value = score.value
    if value is None or (math.isfinite(value) and (not binary or value in (0, 1))):
        return score
    kind = "out_of_range" if math.isfinite(value) else "not_a_number"
    expected = "gives 0 or 1" if binary else "gives finite numbers"
    message = f"scorer {score.scorer!r} {expected}; it gave {value}"
    return replace(score, value=None, failure=Failure("score", kind, message, ours=True))


def noted(score: Score, sample: Sample, reply: Completion) -> Score:
    """Note in the detail what a completion that scored 0 is like.

    `gold_present`: it states a right answer, only for references that are answers (options and tests are not looked
    for). `empty`: it has no text; "reasoning" where there is reasoning, apart or in the text, that left none of the
    answer, else "text".
    """
    if score.value == 0 and not reply.text.strip():
        return replace(score, detail={**score.detail, "empty": "reasoning" if reply.reasoning.strip() else "text"})
    if score.value != 0 or not isinstance(sample.reference, Answer):
        return score
    if not any(is_stated(gold, reply.text) for gold in sample.reference.values):
        return score
    return replace(score, detail={**score.detail, "gold_present": True})


# --- what scorers of answers share ---------------------------------------------------------------


def right_answers(reference: Reference) -> tuple[str, ...]:
    """Return the texts that count as right: the values of an answer, or the right options' texts; else none."""
    if isinstance(reference, Choice):
        return tuple(reference.options[option] for option in reference.right)
    return reference.values if isinstance(reference, Answer) else ()


def no_digit(answer: str, golds: Sequence[str]) -> dict[str, bool]:
    """Return the detail that flags an answer without a digit where every right answer is a number; else nothing.

    Such an answer is a sign that the extractor does not fit what the model writes.
    """
    numeric = bool(golds) and all(_has_digit(gold) and _LETTER.search(gold) is None for gold in golds)
    return {"no_digit": True} if numeric and not _has_digit(answer) else {}


def _has_digit(text: str) -> bool:
    return any(sign.isdigit() for sign in text)

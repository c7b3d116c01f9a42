"""A budget for reasoning: after so many new tokens the trace is closed with its own mark, and the answer follows.

A completion with a budget is made in two jobs. The first may write as many tokens as the budget; if its reasoning is
open then, the closing mark of the kind that opened it is put behind its tokens. The second job goes on from there.
Guarantees: a completion that ends within the budget is the one that it would be without it, and so is a greedy one that
closes its reasoning within it; the mark counts as new tokens, so that `max_tokens` and the context window hold. A model
that writes no known mark of reasoning is not interrupted. Not guaranteed: that the model was trained to answer after a
trace that it did not end itself.

Sources: the thinking budget of the Qwen3 report (arXiv 2505.09388, section 4.3), which stops the trace with a sentence
and the mark; budget forcing of s1 (arXiv 2501.19393) with the mark alone, as here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job, Outcome
from harness.engines.request_seed import own_seed
from harness.reasoning import closing_of_open

Answer = Callable[[Sequence[Job]], Iterator[Outcome]]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A completion after its first job: its whole job, its tokens so far, and how many of them close its reasoning."""

    job: GenerateJob
    found: Generated
    ids: tuple[int, ...]
    closing: int


def answer_within_budgets(
    answer: Answer, encoder: PromptEncoder, jobs: Sequence[Job], openings: Mapping[str, str]
) -> Iterator[Outcome]:
    """Do each job once, those with a budget in two; outcomes are of whole completions.

    `openings`, by key: what completions with a budget begin with in their prompts, such as a mark of reasoning.
    """
    limited = {job.key: job for job in jobs if isinstance(job, GenerateJob) and _budget(job) < job.max_new}
    if not limited:
        yield from answer(jobs)
        return
    first = [replace(job, max_new=_budget(job)) if isinstance(job, GenerateJob) else job for job in jobs]
    begun: dict[str, _Begun] = {}
    for outcome in answer(first):
        job = limited.get(outcome.key)
        if job is None or not isinstance(outcome, Generated) or outcome.stopped or outcome.ended:
            yield outcome
            continue
        started = _begun(encoder, job, outcome, openings[job.key])
        if len(started.ids) < job.max_new:
            begun[job.key] = started
        else:
            yield outcome
    for outcome in answer([_rest(one) for one in begun.values()]):
        yield _whole(begun[outcome.key], outcome) if isinstance(outcome, Generated) else outcome


def _budget(job: GenerateJob) -> int:
    budget = job.sampling.max_reasoning_tokens
    return job.max_new if budget is None else budget


def _begun(encoder: PromptEncoder, job: GenerateJob, found: Generated, opening: str) -> _Begun:
    mark = closing_of_open(opening + encoder.decode(job.ids, found.ids))
    closing: list[int] = encoder.tokenizer(mark, add_special_tokens=False)["input_ids"] if mark else []
    return _Begun(job, found, (*found.ids, *closing), len(closing))


def _rest(begun: _Begun) -> GenerateJob:
    """The second job: another seed, so that it does not draw the first one's numbers again."""
    job = begun.job
    return replace(
        job,
        ids=(*job.ids, *begun.ids),
        max_new=job.max_new - len(begun.ids),
        seed=own_seed(job.seed, f"{job.key} after its budget"),
    )


def _whole(begun: _Begun, rest: Generated) -> Generated:
    return replace(
        rest,
        ids=(*begun.ids, *rest.ids),
        # What the second job finds cached is the first one's own
        cached=begun.found.cached,
        seconds=begun.found.seconds + rest.seconds,
        closed_reasoning=begun.closing > 0,
    )

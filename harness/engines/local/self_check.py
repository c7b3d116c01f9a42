"""Does an execution mode compute what transformers computes? A few short prompts through both, token by token.

Twice: on a tiny model (the same class, small, random, in float32, with prompts longer than its windows), where only the
batching can be wrong and any difference counts; and on the model itself, with the kernels and the precision of the run:
fewer prompts and tokens there, which meet a stored prefix and slots enough for `listed` attention all the same.
The reference is plain `generate` and a plain forward, one prompt at a time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from harness.datatypes import Sampling
from harness.engines.hf.model_errors import MODEL_ERRORS
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job, Outcome, Refused, Scored, ScoreJob
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel

NEW_TOKENS = 8
# Of the jobs below: a short and a long prompt with a shared prefix, the short one again, one without, continuations.
# No fewer: what four share is just worth storing (`LEAST_SAVED`), and lists are used from four slots (`LEAST_LISTED`)
BRIEFLY, BRIEF_TOKENS = (0, 1, 3, 4, 5), 4
# Largest and mean difference of natural-log probabilities. In half precision two correct ways differ by rounding
TOLERANCE = {"float32": (2e-4, 4e-5), "float16": (0.3, 0.03), "bfloat16": (1.0, 0.12)}
# Longer than a tiny model's windows and chunks of 16
SHARED, OWN = 32, (3, 17, 30)


class Answers(Protocol):
    """What is checked: something that does token jobs."""

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in any order."""


def tiny_model_of(model: HFModel) -> HFModel | None:
    """A tiny random model of the same class, None if none can be made of this class."""
    from harness.engines.hf.hf_model import HFModel as Model
    from harness.engines.hf.tiny_model import tiny_config, tiny_model

    try:
        return Model(tiny_model(tiny_config(model.model.config), seed=0), model.encoder, (), "cpu")
    except ConfigError:
        return None


class Oracle:
    """What a model's own code answers to the check's prompts."""

    def __init__(self, model: HFModel, *, brief: bool) -> None:
        """Run the model, one prompt at a time; `brief` for a large one, after its tiny model was checked at length."""
        jobs = _jobs(model.vocabulary, model.end_ids)
        if brief:
            jobs = [_shorter(job) for number, job in enumerate(jobs) if number in BRIEFLY]
        self._dtype = model.dtype
        self._answers = _answers(model, jobs)

    @property
    def texts(self) -> dict[str, tuple[int, ...]]:
        """The new tokens of each generation, by its job's key."""
        return {job.key: found.ids for job, found in self._answers if isinstance(found, Generated)}

    def difference_of(self, mode: Answers) -> str | None:
        """How the mode's answers differ; None if they do not."""
        return _difference(mode, self._answers, self._dtype)


def _jobs(vocabulary: int, avoid: Sequence[int] = ()) -> list[Job]:
    """Prompts of unequal lengths, three with a shared prefix, one of them twice; continuations after that prefix."""
    rng = random.Random(0)
    usable = [token for token in range(min(4, vocabulary - 1), min(vocabulary, 4000)) if token not in avoid]

    def sample(count: int) -> tuple[int, ...]:
        return tuple(rng.choice(usable) for _ in range(count))

    start = sample(SHARED)
    prompts = [start + sample(count) for count in OWN]
    prompts += [prompts[0], sample(5)]
    sampling = Sampling(NEW_TOKENS, logprobs=True)
    jobs: list[Job] = [
        GenerateJob(f"generate-{number}", ids, NEW_TOKENS, sampling, 0) for number, ids in enumerate(prompts)
    ]
    context = start + sample(4)
    return [*jobs, ScoreJob("score", tuple((context, sample(count)) for count in (1, 5, 2)))]


def _shorter(job: Job) -> Job:
    return replace(job, max_new=BRIEF_TOKENS) if isinstance(job, GenerateJob) else job


def _answers(model: HFModel, jobs: Sequence[Job]) -> list[tuple[Job, Outcome]]:
    """Each job alone, by the model's own code."""
    answers: list[tuple[Job, Outcome]] = []
    for job in jobs:
        if isinstance(job, GenerateJob):
            (row,) = model.generate([job])
            answers.append((job, Generated(job.key, row.ids, row.stopped, row.ended, row.logprobs)))
        else:
            answers.append((job, Scored(job.key, tuple(model.score([row])[0] for row in job.rows))))
    return answers


def _difference(mode: Answers, oracle: Sequence[tuple[Job, Outcome]], dtype: str) -> str | None:
    try:
        answers = {outcome.key: outcome for outcome in mode.answer([job for job, _ in oracle])}
    except MODEL_ERRORS as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:160]
    most, mean = TOLERANCE[dtype]
    differences: list[float] = []
    for job, expected in oracle:
        actual = answers.get(job.key)
        if actual is None or isinstance(actual, Refused):
            return "it did not answer every prompt"
        pairs = _pairs(expected, actual)
        if isinstance(pairs, str):
            return pairs
        differences += [abs(a - b) if math.isfinite(a) or math.isfinite(b) else 0.0 for a, b in pairs]
    if (
        not all(map(math.isfinite, differences))
        or max(differences) > most
        or sum(differences) / len(differences) > mean
    ):
        return f"its log-probabilities differ by up to {max(differences):.2g}"
    return None


def _pairs(expected: Outcome, actual: Outcome) -> list[tuple[float, float]] | str:
    """Log-probabilities to compare. At the first different token both chose about the same probability: a tie."""
    if isinstance(expected, Generated) and isinstance(actual, Generated):
        assert expected.logprobs is not None and actual.logprobs is not None
        same = next(
            (index for index, (a, b) in enumerate(zip(expected.ids, actual.ids, strict=False)) if a != b),
            len(expected.ids),
        )
        if same == len(expected.ids) and len(actual.ids) != same:
            return "its answers have other lengths"
        return list(zip(expected.logprobs[: same + 1], actual.logprobs[: same + 1], strict=True))
    assert isinstance(expected, Scored) and isinstance(actual, Scored)
    return [
        pair
        for a, b in zip(expected.rows, actual.rows, strict=True)
        for pair in zip(a.logprobs, b.logprobs, strict=True)
    ]

"""An engine's requests and results without text: token ids in, token ids and log-probabilities out.

No torch and no tokenizer here: schedulers and their tests work on these types alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.datatypes import Sampling


@dataclass(frozen=True, slots=True)
class GenerateJob:
    """Continue `ids` by at most `max_new` tokens; `seed` is the request's own."""

    key: str
    ids: tuple[int, ...]
    max_new: int
    sampling: Sampling
    seed: int

    @property
    def longest(self) -> int:
        """Most tokens that the model will have read at the end."""
        return len(self.ids) + self.max_new


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """Score each row's continuation after its context: (context ids, continuation ids), neither empty.

    `prompts`: how many different prompts the contexts were made of; contexts of one prompt differ where they were cut.
    """

    key: str
    rows: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    prompts: int = 1

    @property
    def longest(self) -> int:
        """Most tokens that the model will have read at the end."""
        return max(len(context) + len(continuation) - 1 for context, continuation in self.rows)


Job = GenerateJob | ScoreJob


@dataclass(frozen=True, slots=True)
class Generated:
    """New tokens up to and with the end; `stopped` by a stop string, `ended` by an end token.

    `logprobs`, if requested: natural-log probability of each new token under the model itself (temperature 1, nothing
    left out). `closed_reasoning`: some of the ids are a closing mark that was put there. `cached` prompt tokens had
    been computed for another request; `seconds` is this job's share of the engine's time.
    """

    key: str
    ids: tuple[int, ...]
    stopped: bool
    ended: bool
    logprobs: tuple[float, ...] | None = None
    cached: int = 0
    seconds: float = 0.0
    closed_reasoning: bool = False


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """Natural-log probability of each token of a continuation; `greedy` if each was the most likely one."""

    logprobs: tuple[float, ...]
    greedy: bool

    @property
    def logprob(self) -> float:
        """Of the whole continuation."""
        return sum(self.logprobs)


@dataclass(frozen=True, slots=True)
class Scored:
    """One entry a row of the job, in its order."""

    key: str
    rows: tuple[ScoredRow, ...]
    cached: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A job that the machine could not do: `kind` and `message` of the failure, which is the harness's own."""

    key: str
    kind: str
    message: str


Outcome = Generated | Scored | Refused

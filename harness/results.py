"""What is computed from records: the estimate of a score, and the comparison of two runs. Frozen, no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric of a task with its interval (95 % unless stated), and what a reader must know to trust it.

    Shares are of the n samples' answers, n * `repeats` - `absent`; tokens, speed: means over answers that report them.
    `completed`: the score without truncated answers, None where none was; `unread`: of 0 with the right one in them;
    `truncated`: ended at max_tokens or a full window; `window`: the latter alone; `filtered`: withheld by a server.
    """

    task: str
    scorer: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    unscored: int
    repeats: int
    stderr: float | None = None
    truncated: float | None = None
    unextracted: float | None = None
    cut_prompts: float | None = None
    mean_tokens: float | None = None
    tokens_per_second: float | None = None
    warnings: tuple[str, ...] = ()
    absent: int = 0
    completed: float | None = None
    unread: float | None = None
    filtered: float | None = None
    window: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs a and b of a task on the `n` samples both scored: b minus a, [low, high] at 95 %; `p_family`: p after Holm.

    `detectable`: what n samples find 4 times of 5; `needed`: n for the difference seen; `unpaired`: in one run only.
    """

    task: str
    scorer: str
    metric: str
    a: str
    b: str
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    method: str
    p: float
    p_family: float
    test: str
    n: int
    wins: int
    losses: int
    detectable: float | None
    needed: int | None
    unscored: int = 0
    unpaired: int = 0


def metric_text(scorer: str, metric: str) -> str:
    """Name a score as every table does: `scorer/metric`; without a scorer the metric alone."""
    return "/".join(part for part in (scorer, metric) if part)

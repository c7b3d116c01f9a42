"""What is computed from records: the estimate of a score, the comparison of two runs, the finding of a probe.

Frozen, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric of a task with its interval (95 % unless stated), and what a reader must know to trust it.

    Shares are of the n samples' answers, n * `repeats` - `absent`; tokens, speed: means over answers that report them.
    `completed`: the score without truncated answers, None where none was; `unread`: of 0 with the right one in them;
    `truncated`: ended at max_tokens or a full window; `window`: the latter alone; `filtered`: withheld by a server;
    `no_confidence`: of a metric of confidence alone, the share of all answers that it leaves out since they state none.
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
    no_confidence: float | None = None


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


# --- probes of a model -----------------------------------------------------------------------

ProbeTest = Literal["order", "by heart"]
ORDER: ProbeTest = "order"
BY_HEART: ProbeTest = "by heart"
# The level of the family of all tests of a command. One in a hundred, not one in twenty: the finding is an accusation
PROBE_LEVEL = 0.01
# A control below this says that the test does not work here; it costs one right finding in a hundred
PROBE_CONTROL_LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """One test of one task.

    `statistic`: nats per pair of neighbours (order), or exact continuations of the published rows less those of the
    re-phrased ones, per point (by heart); `least`: the statistic that would be found with 80 % power, None where it is
    not known; `n`: pairs of neighbours, or rows. `p_adjusted` is Holm's over all tests of the command, `p_control` that
    of the same test on data that the model cannot have seen. Without a test all are None, and `refused` says why.
    `unanswered`: requests that the engine refused.
    """

    task: str
    test: ProbeTest
    n: int
    statistic: float | None = None
    least: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    p_control: float | None = None
    refused: str = ""
    unanswered: int = 0
    detail: Mapping[str, float] = field(default_factory=dict)

    @property
    def control_failed(self) -> bool:
        """Whether the control says that the test cannot be believed here."""
        return self.p_control is not None and self.p_control <= PROBE_CONTROL_LEVEL

    @property
    def significant(self) -> bool:
        """Whether the test found something, at PROBE_LEVEL over the family."""
        return self.p_adjusted is not None and self.p_adjusted <= PROBE_LEVEL and not self.control_failed


@dataclass(frozen=True, slots=True)
class ProbeCost:
    """What the requests of a probe take, in all.

    Tokens in, each context once; `tokens_unshared`: if every continuation had its context computed again;
    `tokens_of_orders`: of 100 shuffles of the whole sets, for comparison (Oren's test takes 51 to 251 each). Seconds
    and dollars at most, None where they are not known; so are tokens of an engine that counts none.
    """

    requests: int
    tokens_in: int | None
    tokens_unshared: int | None
    tokens_of_orders: int | None
    tokens_out_at_most: int
    seconds_at_most: float | None
    dollars_at_most: float | None

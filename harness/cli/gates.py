"""Gates: what a score, or a difference of two runs, must reach for a command to exit with 0.

`--fail-under 0.6` is for every task, `--fail-under TASK=0.6` for one (or for the suite, by its name). `--regressions`
fails on a drop that is shown; `--max-drop D` lets pass one whose estimate is at most D.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.config.schema import RunConfig
    from harness.results import Comparison, Estimate

FLAG = "--fail-under"
# 0.52 - 0.5 is a little more than 0.02
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Gates:
    """The least score of every task (None: no such gate), and of some by name."""

    every: float | None = None
    of: Mapping[str, float] = field(default_factory=dict)


def read_gates(values: Sequence[str]) -> Gates:
    """Read `0.6` and `TASK=0.6`. Raises ConfigError for a value that is no score, or given twice."""
    from harness.errors import ConfigError

    every: float | None = None
    of: dict[str, float] = {}
    for value in values:
        name, sign, number = value.rpartition("=")
        least = _score(number, value)
        if sign and not name.strip():
            raise ConfigError(f"{FLAG} {value}: name a task before the =, as in {FLAG} gsm8k=0.6")
        if (every is not None and not sign) or name.strip() in of:
            raise ConfigError(f"{FLAG} {value}: {name.strip() or 'every task'} has such a gate already; keep one")
        if sign:
            of[name.strip()] = least
        else:
            every = least
    return Gates(every, of)


def _score(text: str, value: str) -> float:
    from harness.errors import ConfigError

    try:
        number = float(text)
    except ValueError:
        number = -1.0
    # False for NaN too
    if not 0 <= number <= 1:
        raise ConfigError(f"{FLAG} {value}: expected a score from 0 to 1, or TASK=SCORE (60 % is 0.6)")
    return number


def refuse_of_shard(gates: Gates, config: RunConfig) -> None:
    """Raise ConfigError for a gate of a shard, whose score is not that of the run."""
    from harness.errors import ConfigError

    if config.shard is not None and (gates.every is not None or gates.of):
        raise ConfigError(
            "--fail-under is a gate of a whole run, and --shard computes a part: merge the shards, then give it with "
            "the same command without --shard"
        )


def refuse_unknown(gates: Gates, config: RunConfig) -> None:
    """Raise UnknownName for a gate of a task that the run does not have, before it costs anything."""
    from harness.errors import UnknownName

    known = {config.suite.name} if len(config.suite.tasks) > 1 else set()
    known |= {name for entry in config.suite.tasks for name in (entry.label, entry.page)}
    for name in gates.of:
        if name not in known:
            raise UnknownName(f"task of the suite {config.suite.name!r}", name, known, where=f"{FLAG} {name}: ")


def failed_gates(
    gates: Gates, primary: Sequence[Estimate], overall: Estimate | None, pages: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return a line for each gate that failed, and a line for each task that the gate of every task is not for.

    `primary` are the tasks' first estimates, `pages` the task page of each task. A named gate fails where it cannot
    be judged: a task that was left out, or one whose metric is better when it is lower.
    """
    from harness.analysis.metric import lower_is_better

    failed: list[str] = []
    idle = [estimate.task for estimate in primary if lower_is_better(estimate) and gates.every is not None]
    for estimate in primary:
        if gates.every is not None and not lower_is_better(estimate) and not _own(gates, estimate, pages):
            failed += _below(estimate, f"{FLAG} {gates.every:g}", gates.every)
    for name, least in gates.of.items():
        words = f"{FLAG} {name}={least:g}"
        meant = [estimate for estimate in primary if name in (estimate.task, pages.get(estimate.task))]
        if not meant and overall is not None and name == overall.task:
            meant = [overall]
        if not meant:
            failed.append(f"{name} was left out of the run: it has no score for {words}")
        for estimate in meant:
            if lower_is_better(estimate):
                failed.append(f"{estimate.task} has no gate {words}: lower is better for {estimate.metric}")
            else:
                failed += _below(estimate, words, least)
    notes = [f"{FLAG} does not apply to {', '.join(idle)}: lower is better there"] if idle else []
    return failed, notes


def _own(gates: Gates, estimate: Estimate, pages: Mapping[str, str]) -> bool:
    """Whether a task has a gate of its own, which takes the place of that of every task."""
    return estimate.task in gates.of or pages.get(estimate.task) in gates.of


def _below(estimate: Estimate, words: str, least: float) -> list[str]:
    if estimate.value is None:
        return [f"{estimate.task} has no score, and {words} needs one"]
    if estimate.value >= least:
        return []
    from harness.report.tables import interval_text, score_text

    interval = interval_text(estimate.low, estimate.high)
    return [f"{estimate.task} {score_text(estimate.value)} {interval} is below {words}"]


def regressions(comparisons: Sequence[Comparison], max_drop: float | None) -> tuple[list[str], list[str]]:
    """Return a line for each regression that fails the gate, and one for each larger drop that n does not rule out.

    A regression is a difference below 0 that is significant (p <= .05, by Holm over all rows); with `max_drop` it
    fails only where the drop as measured is larger than that too. A run on few samples therefore passes easily: where
    the interval reaches below `-max_drop`, the second list says so. To have the build fail unless a larger drop is
    ruled out (non-inferiority), check a claim with the relation `non_inferior`.
    """
    from harness.analysis.compare import is_worse

    failed, notes = [], []
    for found in comparisons:
        interval = f"[{found.low:+.3f}, {found.high:+.3f}]"
        if is_worse(found) and (max_drop is None or -found.difference > max_drop + ROUNDING):
            more = "" if max_drop is None else f", by more than --max-drop {max_drop:g}"
            failed.append(
                f"{found.b} is significantly worse than {found.a}: {found.task} {found.difference:+.3f} {interval} "
                f"(p {found.p_family:.2g}){more}"
            )
        elif max_drop is not None and found.low < -max_drop:
            notes.append(
                f"{found.task} {found.difference:+.3f} {interval} passes --max-drop {max_drop:g}, but n {found.n} does "
                f"not rule out a larger drop of {found.b}"
            )
    return failed, notes
